import AVSStorage
import CRocksDB

/// An error that the library reported: which call, its own words, and what kind it is.
struct RocksDBFailure: Error, Hashable {
    /// A kind exists where the store acts on it differently.
    enum Kind: Hashable {
        /// The disk is full. The one failure that heals by itself (FAIL-2).
        case noSpace
        /// Another opener, in this process or another, holds the library's lock.
        case locked
        /// A checksum or a structure is wrong (FAIL-4).
        case corruption
        /// Not done because it would have had to wait: for a stalled write, or for the disk.
        case incomplete
        /// A conflict of transactions, which one committer cannot have.
        case busy
        /// A deadline passed inside the library.
        case timedOut
        /// We called it wrongly, or with options that this build does not know.
        case invalidArgument
        /// This build or this way of opening cannot do it.
        case notSupported
        /// Any other error of a system call: after one of these the log's state is unknown (FAIL-1).
        case io
        /// A text that we do not know: handled as the worst case.
        case unknown
    }

    let call: String
    let text: String
    let kind: Kind

    /// FAIL-6: the one place that reads error texts. The first prefix that fits decides, so longer ones come first.
    init(call: String, text: String) {
        self.call = call
        self.text = text
        let prefixes: [(String, Kind)] = [
            ("IO error: No space left", .noSpace),
            ("IO error: While lock file", .locked),
            ("IO error: lock hold by current process", .locked),
            ("IO error:", .io),
            ("Corruption:", .corruption),
            ("Resource busy", .busy),
            ("Operation timed out", .timedOut),
            ("Result incomplete", .incomplete),
            ("Incomplete", .incomplete),
            ("Invalid argument", .invalidArgument),
            ("Not implemented", .notSupported),
            ("Not supported", .notSupported),
        ]
        kind = prefixes.first { text.hasPrefix($0.0) }?.1 ?? .unknown
    }
}

extension RocksDBFailure: CustomStringConvertible {
    var description: String { "\(call): \(text)" }
}

extension StorageError {
    /// What a failed read or open is to a caller. Failed writes are judged by the committer.
    init(_ failure: RocksDBFailure) {
        switch failure.kind {
        case .corruption: self = .corrupt(failure.description)
        case .locked: self = .locked(by: failure.text)
        case .noSpace: self = .noSpace(failure.description)
        case .incomplete, .busy, .timedOut, .invalidArgument, .notSupported, .io, .unknown:
            self = .io(call: failure.call, text: failure.text)
        }
    }
}

/// Calls a function of the library whose last parameter is `char **errptr`, and frees the text it sets.
func catching<R>(
    _ call: String, _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) throws(RocksDBFailure) -> R {
    var text: UnsafeMutablePointer<CChar>?
    let result = unsafe body(&text)
    guard let message = unsafe text else { return result }
    defer { unsafe rocksdb_free(message) }
    throw RocksDBFailure(call: call, text: unsafe String(cString: message))
}

/// Lends an array to C as pointer and length. The pointer is valid inside `body` only.
func withCBytes<R, E: Error>(
    _ bytes: [UInt8], _ body: (UnsafePointer<CChar>?, Int) throws(E) -> R
) throws(E) -> R {
    try unsafe bytes.withUnsafeBufferPointer { buffer throws(E) -> R in
        let start = unsafe UnsafeRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: CChar.self)
        return try unsafe body(start, buffer.count)
    }
}

/// Copies what C lends us.
func copyBytes(_ start: UnsafePointer<CChar>?, _ count: Int) -> [UInt8] {
    guard let start = unsafe start, count > 0 else { return [] }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
}
