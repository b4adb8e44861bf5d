/// Makes a change repeatable: for a day the same key with the same request is one change with one answer.
///
/// A call with a key is made again by itself when its answer is lost. Keep the key beside what you are about to do and
/// you can make the call again yourself, after a crash too: whether it was made before does not matter.
///
///     let id = try await client.createTask(task, idempotencyKey: .random())
///
/// A key belongs to its owner and to one request: another request under it is refused with
/// ``AggregatorError/invalidArgument(field:_:)``. Refusals are not kept, so a call that was refused is decided anew.
/// Aggregators other than this project's do not know keys and make the change as often as they are asked.
public struct IdempotencyKey: Hashable, Sendable, CustomStringConvertible {
    /// The text that is sent.
    public let description: String

    /// - Returns: nil for a text that is not 1 to 255 characters of printable ASCII without spaces.
    public init?(_ text: String) {
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return nil
        }
        description = text
    }

    private init(random bits: (UInt64, UInt64)) {
        description = [bits.0, bits.1].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// A key that nobody has used before: 128 random bits as hex.
    public static func random() -> IdempotencyKey {
        IdempotencyKey(random: (.random(in: 0 ... .max), .random(in: 0 ... .max)))
    }
}
