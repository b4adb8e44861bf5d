/// What came out of the bytes a peer sent, or out of our own sending. In the order in which it happened.
public enum HTTP2Event: Hashable, Sendable {
    /// A complete header section: a request, a response, or trailers. Its end may end the peer's side of the stream.
    case headers(StreamID, HeaderBlock, endsStream: Bool)
    /// Payload, as a range of the bytes that were given to ``HTTP2Session/receive(_:)``. Padding is not in it. The
    /// connection's window has been credited (FC-2); the stream's is credited by ``HTTP2Session/consume(_:on:)``.
    case data(StreamID, Range<Int>)
    /// The peer ended its side with a DATA frame.
    case endOfStream(StreamID)
    /// The stream is over, for whatever reason; nothing more comes for it. `noError` after both sides ended.
    case closed(StreamID, HTTP2ErrorCode)
    /// The unsent bytes of a stream fell to the mark set with ``HTTP2Session/notify(_:whenUnsentAtMost:)`` (FC-7).
    case writable(StreamID)
    /// A header section was not sent and never will be (NG-13, LIM-3): too large, or the connection is closing.
    case headersNotSent(StreamID, code: Int)
    /// The peer's SETTINGS arrived and are in force.
    case settings
    /// The peer has applied our SETTINGS (CON-4).
    case settingsAcknowledged
    /// The peer sent a PING; the answer is already queued.
    case ping
    /// The answer to our PING with this number.
    case pingAcknowledged(UInt64)
    /// The peer will take no stream above `last`.
    case goAway(last: StreamID, HTTP2ErrorCode, debugData: [UInt8])
}

/// How many frames of which sort passed since the last look; what ``AbuseGuard`` charges for.
public struct FrameCounts: Hashable, Sendable {
    /// RST_STREAM received, whether or not the stream existed (ATT-1).
    public var resetsReceived = 0
    /// RST_STREAM we sent because of what the peer did (ATT-2); not `NO_ERROR` after trailers, not our own `CANCEL`.
    public var resetsProvoked = 0
    /// Frames the library judged invalid (ATT-2).
    public var invalidFrames = 0
    /// SETTINGS received, acknowledgements not counted (ATT-5).
    public var settings = 0
    /// PING received, acknowledgements not counted (ATT-6).
    public var pings = 0
    /// DATA without payload and without END_STREAM (ATT-8).
    public var emptyData = 0
    /// DATA with 1 to 15 bytes of payload and without END_STREAM (ATT-8).
    public var tinyData = 0
    /// PRIORITY and frames of unknown type (ATT-9).
    public var idleFrames = 0
    /// WINDOW_UPDATE received (ATT-9).
    public var windowUpdates = 0
    /// DATA and HEADERS frames sent; they excuse WINDOW_UPDATE and, for KA-1, PING.
    public var dataSent = 0
    public var headersSent = 0
    /// Header sections over the limit of LIM-1 (ATT-4).
    public var oversizedHeaders = 0
    /// Header fields that were looked at: the work that a header section made (ATT-4).
    public var headerFields = 0

    public init() {}

    public mutating func add(_ other: FrameCounts) {
        resetsReceived += other.resetsReceived
        resetsProvoked += other.resetsProvoked
        invalidFrames += other.invalidFrames
        settings += other.settings
        pings += other.pings
        emptyData += other.emptyData
        tinyData += other.tinyData
        idleFrames += other.idleFrames
        windowUpdates += other.windowUpdates
        dataSent += other.dataSent
        headersSent += other.headersSent
        oversizedHeaders += other.oversizedHeaders
        headerFields += other.headerFields
    }
}
