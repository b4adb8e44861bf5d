import CZlib

/// Compresses and decompresses whole messages. One per event loop, and one for each thread of large ones: a zlib
/// context is a quarter of a mebibyte, and it is reset between messages, not made anew (CMP-10).
///
/// Not `Sendable`.
public final class MessageCompressor {
    public enum Failure: Error, Hashable, Sendable {
        /// Not what the encoding promises, or bytes after its end (CMP-5).
        case corrupt(String)
        /// Over the limit once decompressed; inflating stopped there (CMP-6).
        case tooLarge(limitBytes: Int)
        case outOfMemory
    }

    /// Below this, compressing costs more than it saves (CMP-7).
    public static let worthwhileBytes = 1_024

    /// What decompressing has made so far, also where it stopped at a limit: its work.
    public private(set) var inflatedBytes = 0

    private var inflaters: [MessageEncoding: ZlibStream] = [:]
    private var deflaters: [MessageEncoding: ZlibStream] = [:]

    public init() {}

    /// - Parameter limitBytes: largest decompressed size; exactly this passes.
    public func decompress(
        _ bytes: [UInt8], _ encoding: MessageEncoding, limitBytes: Int
    ) throws(Failure) -> [UInt8] {
        guard encoding != .identity else { return bytes }
        let stream: ZlibStream
        if let pooled = inflaters[encoding] {
            stream = pooled
        } else {
            stream = try ZlibStream(inflating: encoding)
            inflaters[encoding] = stream
        }
        defer { inflatedBytes += stream.outputBytes }
        return try stream.inflateAll(bytes, limitBytes: limitBytes)
    }

    /// - Returns: nil if the message better goes as it is: too small, did not shrink (CMP-7), or no memory for zlib.
    public func compressIfWorthwhile(_ bytes: [UInt8], _ encoding: MessageEncoding) -> [UInt8]? {
        do {
            return try compress(bytes, encoding)
        } catch {
            return nil
        }
    }

    private func compress(_ bytes: [UInt8], _ encoding: MessageEncoding) throws(Failure) -> [UInt8]? {
        guard encoding != .identity, bytes.count >= Self.worthwhileBytes else { return nil }
        let stream: ZlibStream
        if let pooled = deflaters[encoding] {
            stream = pooled
        } else {
            stream = try ZlibStream(deflating: encoding)
            deflaters[encoding] = stream
        }
        return try stream.deflateAll(bytes)
    }
}

/// One `z_stream`, at a fixed address because zlib keeps a pointer back to it.
@safe private final class ZlibStream {
    private let raw: UnsafeMutablePointer<z_stream>
    private let isInflating: Bool

    /// Of the message that is being worked on, or was last.
    var outputBytes: Int { unsafe Int(clamping: raw.pointee.total_out) }

    private init(isInflating: Bool) {
        unsafe raw = .allocate(capacity: 1)
        unsafe raw.initialize(to: z_stream())
        self.isInflating = isInflating
    }

    convenience init(inflating encoding: MessageEncoding) throws(MessageCompressor.Failure) {
        self.init(isInflating: true)
        guard unsafe czlib_inflate_init(raw, Self.windowBits(encoding)) == Z_OK else { throw .outOfMemory }
    }

    convenience init(deflating encoding: MessageEncoding) throws(MessageCompressor.Failure) {
        self.init(isInflating: false)
        guard unsafe czlib_deflate_init(raw, Z_DEFAULT_COMPRESSION, Self.windowBits(encoding)) == Z_OK else {
            throw .outOfMemory
        }
    }

    deinit {
        unsafe _ = isInflating ? inflateEnd(raw) : deflateEnd(raw)
        unsafe raw.deallocate()
    }

    /// 15 is the largest window; 16 more says gzip.
    private static func windowBits(_ encoding: MessageEncoding) -> Int32 { encoding == .gzip ? 31 : 15 }

    func inflateAll(_ input: [UInt8], limitBytes: Int) throws(MessageCompressor.Failure) -> [UInt8] {
        unsafe inflateReset(raw)
        var output: [UInt8] = []
        let first = min(limitBytes, max(input.count, 256) * 4) + 1
        let code = try unsafe run(input, into: &output, first: first, limitBytes: limitBytes) { stream in
            unsafe inflate(stream, Z_NO_FLUSH)
        }
        guard code == Z_STREAM_END else { throw .corrupt("the compressed data ends early") }
        guard unsafe raw.pointee.avail_in == 0 else { throw .corrupt("there are bytes after the compressed data") }
        return output
    }

    func deflateAll(_ input: [UInt8]) throws(MessageCompressor.Failure) -> [UInt8]? {
        unsafe deflateReset(raw)
        var output: [UInt8] = []
        do {
            let limit = input.count - 1  // no room for more than it had: then it did not shrink
            _ = try unsafe run(input, into: &output, first: limit + 1, limitBytes: limit) { stream in
                unsafe deflate(stream, Z_FINISH)
            }
            return output
        } catch .tooLarge {
            return nil
        }
    }

    /// Steps until zlib says that the stream ended or can make no progress. Grows `output` to one byte over the limit.
    private func run(
        _ input: [UInt8], into output: inout [UInt8], first: Int, limitBytes: Int,
        _ step: (UnsafeMutablePointer<z_stream>) -> Int32
    ) throws(MessageCompressor.Failure) -> Int32 {
        let raw = unsafe self.raw
        var size = first
        var code = Z_OK
        var failure: MessageCompressor.Failure?
        unsafe input.withUnsafeBufferPointer { bytes in
            // zlib's type is not const, but it does not write to its input.
            unsafe raw.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
            unsafe raw.pointee.avail_in = UInt32(clamping: bytes.count)
            while code == Z_OK {
                let (old, room) = (output.count, size)
                output.append(contentsOf: repeatElement(0, count: room - old))
                let left = unsafe output.withUnsafeMutableBufferPointer { target in
                    unsafe raw.pointee.next_out = target.baseAddress?.advanced(by: old)
                    unsafe raw.pointee.avail_out = UInt32(clamping: room - old)
                    unsafe code = step(raw)
                    return unsafe Int(raw.pointee.avail_out)
                }
                output.removeLast(left)
                if output.count > limitBytes { failure = .tooLarge(limitBytes: limitBytes) }
                if failure != nil || left > 0 { break }
                size = min(limitBytes + 1, size * 2)
            }
            unsafe raw.pointee.next_in = nil
        }
        if let failure { throw failure }
        if code == Z_DATA_ERROR || code == Z_NEED_DICT { throw .corrupt("the compressed data is damaged") }
        if code == Z_MEM_ERROR { throw .outOfMemory }
        return code
    }
}
