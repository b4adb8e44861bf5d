/// What one side of a connection announces and enforces. The numbers are those of section 27.
public struct HTTP2Configuration: Hashable, Sendable {
    public enum Role: Hashable, Sendable, CaseIterable { case client, server }

    /// Streams the peer may have open at once (CON-6). Servers only.
    public var maxConcurrentStreams: UInt32 = 100
    /// Bytes a peer may send on a stream before we take any (CON-6, section 13).
    public var streamWindowBytes: UInt32 = 256 * 1024
    /// Bytes a peer may send on all streams together; at least 16 stream windows (FC-2).
    public var connectionWindowBytes: Int32 = 16 * 1024 * 1024
    /// Received header list, as name + value + 32 for each field (LIM-1). libnghttp2 only announces it.
    public var headerListLimitBytes = 16 * 1024
    /// Received header fields (LIM-2).
    public var headerFieldLimit = 128
    /// Past this multiple of the limit the rest of a section is decoded unseen and its stream reset (ATT-4). Between
    /// the limit and here the peer still gets a status that says what is wrong.
    public static let headerBombFactor = 4
    /// CONTINUATION frames in one section (ATT-3). The library's 8 can hit honest peers whose packets split frame
    /// heads.
    public var maxContinuations = 32
    /// Entries in one SETTINGS frame.
    public var maxSettingsEntries = 32
    /// SETTINGS and PING acknowledgements that may wait to be sent (ATT-5, ATT-6).
    public var maxOutboundAcknowledgements = 1_000
    /// The library's own limit on received resets, a net under ``AbuseGuard``, which is stricter and says why.
    public var libraryResetBurst: UInt64 = 2_000
    public var libraryResetsPerSecond: UInt64 = 1_000
    /// Largest DATA frame sent, if the peer takes such frames (NG-14).
    public var maxDataFrameBytes = 64 * 1024
    /// Keep a ``FrameNote`` of each frame for ``HTTP2Session/takeNotes()`` (OB-4).
    public var notesFrames = false

    public init() {}
}
