extension Span<UInt8> {
    /// Byte by byte the same as a text.
    func equals(_ text: String) -> Bool {
        let other = text.utf8Span.span
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }

    func hasPrefix(_ text: String) -> Bool {
        count >= text.utf8.count && extracting(first: text.utf8.count).equals(text)
    }

    func hasSuffix(_ text: String) -> Bool {
        count >= text.utf8.count && extracting(last: text.utf8.count).equals(text)
    }

    /// Equal to a lower-case text when ASCII letters lose their case.
    func equalsIgnoringCase(_ text: String) -> Bool {
        let other = text.utf8Span.span
        guard count == other.count else { return false }
        for index in indices where self[index].asciiLowercased != other[index] { return false }
        return true
    }

    /// The part of `range` without spaces and tabs at either end.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }
}

extension UInt8 {
    var asciiLowercased: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }
}

extension String {
    /// Text of bytes a peer chose; invalid UTF-8 becomes the replacement character.
    init(copying span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension [UInt8] {
    init(copying span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }

    mutating func append(copying span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
