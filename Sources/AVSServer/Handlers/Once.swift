import AVSCrypto
import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSSchema
import AVSWire

/// What a handler needs to make a change that its caller may ask for again.
///
/// A caller gives any changing call a key of its own choice in the metadata `idempotency-key`: 1 to 255 printable ASCII
/// characters. For a day the same key with the same request gets the same answer, and the change is made once; the same
/// key with another request is refused.
struct Once: Sendable {
    static let header = "idempotency-key"
    /// In the trailers of an answer that was recorded earlier.
    static let replayedTrailer = "idempotency-replayed"

    let engine: TaskEngine
    /// `nil` when the caller gave no key.
    let call: RepeatableCall?

    /// A receipt for the change that the answer is about; `nil` when the caller gave no key.
    func receipt<Outcome: Sendable>(
        _ answer: @escaping @Sendable (Outcome) -> some ProtoMessage
    ) -> Receipt<Outcome>? {
        call.map { engine.receipt(for: $0) { answer($0).serialized() } }
    }
}

extension RPCMethod {
    /// A method that changes something.
    ///
    /// - Parameter replay: makes the answer to a repeated call from the recorded one; by default it is that.
    static func unaryOnce<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ engine: TaskEngine,
        replay: @escaping @Sendable (_ recorded: [UInt8], Input, CallContext) async throws -> [UInt8] = {
            recorded, _, _ in recorded
        },
        _ handler: @escaping @Sendable (Input, CallContext, Once) async throws -> Output
    ) -> RPCMethod {
        .unarySpliced(method) { request, call in
            let once = Once(engine: engine, call: try RepeatableCall(call, path: method.path, request: request))
            do {
                if let call = once.call, let earlier = try await engine.earlierAnswer(to: call) {
                    throw RepeatedCall(answer: earlier)
                }
                return try await handler(request, call, once).serialized()
            } catch let repeated as RepeatedCall {
                call.setTrailingMetadata(.replayed())
                return try await replay(repeated.answer, request, call)
            }
        }
    }
}

extension RepeatableCall {
    /// - Returns: `nil` when the caller gave no key.
    fileprivate init?(_ call: CallContext, path: String, request: some ProtoMessage) throws {
        guard let key = call.metadata[Once.header] else { return nil }
        let bytes = Array(key.utf8)
        guard (1...255).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw InvalidArgument(
                .invalidRequest, "\(Once.header) is invalid: wanted 1 to 255 printable ASCII characters")
        }
        guard let identity = IdentityDigest(sha256: SHA256.hash(bytes).bytes) else { return nil }
        self.init(
            owner: try call.user, identity: identity,
            // What was decoded, not what was received: clients may order the entries of a map as they like.
            requestDigest: SHA256.hash(Array(path.utf8) + [0] + request.serialized()))
    }
}

extension Metadata {
    /// The trailers of an answer that was recorded earlier, with the domain's number if the answer is a refusal.
    static func replayed(_ code: ErrorCode? = nil) -> Metadata {
        var metadata = code.map { Metadata.errorCode($0) } ?? Metadata()
        do {
            try metadata.add(Once.replayedTrailer, "true")
        } catch {
            assertionFailure("a valid name and text: \(error)")
        }
        return metadata
    }
}
