/// One frame as it went over the wire.
struct WireFrame: Equatable {
    var type: UInt8
    var flags: UInt8
    var stream: Int32
    var payload: [UInt8]

    var endsStream: Bool { type <= 1 && flags & 1 != 0 }

    /// The whole frames in `bytes`.
    static func all(in bytes: [UInt8]) -> [WireFrame] {
        var frames: [WireFrame] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard rest.count >= 9 + length else { break }
            let stream = head[5...8].reduce(Int32(0)) { $0 << 8 | Int32($1) }
            frames.append(
                WireFrame(
                    type: head[3], flags: head[4], stream: stream, payload: Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }

    /// Four bytes of the payload as a number.
    func number(at index: Int) -> UInt32 {
        payload.dropFirst(index).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
}
