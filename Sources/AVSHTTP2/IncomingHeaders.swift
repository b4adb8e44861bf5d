/// The header section that is being received. HTTP/2 allows one at a time on a connection.
struct IncomingHeaders {
    private let sizeLimitBytes: Int
    private let fieldLimit: Int
    /// Whose section it is, between its first frame and the end of its last (ATT-11).
    private(set) var stream: StreamID?
    private(set) var block = HeaderBlock()
    private var sizeBytes = 0
    private var count = 0
    /// Since they were last taken: fields looked at, and sections over the limit.
    private var seenFields = 0
    private var oversizedSections = 0

    /// - Parameters: LIM-1, LIM-2.
    init(sizeLimitBytes: Int, fieldLimit: Int) {
        self.sizeLimitBytes = sizeLimitBytes
        self.fieldLimit = fieldLimit
    }

    mutating func begin(_ stream: StreamID) {
        block = HeaderBlock()
        block.reserve(byteCount: 384)
        (sizeBytes, count) = (0, 0)
        self.stream = stream
    }

    /// - Returns: false once the section is so far over the limit that the rest is not worth looking at (ATT-4).
    mutating func append(
        name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>, indexed: Bool
    ) -> Bool {
        sizeBytes += name.count + value.count + 32
        count += 1
        seenFields += 1
        if sizeBytes <= sizeLimitBytes, count <= fieldLimit {
            let range = unsafe value.span.trimmedRange
            unsafe block.append(name: name.span, value: value.span.extracting(range), indexed: indexed)
            return true
        }
        if !block.isTruncated { oversizedSections += 1 }
        block.isTruncated = true
        let factor = HTTP2Configuration.headerBombFactor
        return sizeBytes <= sizeLimitBytes * factor && count <= fieldLimit * factor
    }

    /// Ends the section.
    mutating func take() -> HeaderBlock {
        defer {
            block = HeaderBlock()
            stream = nil
        }
        return block
    }

    mutating func takeCounts(into counts: inout FrameCounts) {
        counts.headerFields += seenFields
        counts.oversizedHeaders += oversizedSections
        (seenFields, oversizedSections) = (0, 0)
    }
}
