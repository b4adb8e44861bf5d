public import AVSCrypto
public import AVSPrimitives
import AVSProto
import AVSRPC

extension AggregatorClient {
    /// The first line of every message that an aggregator asks to be signed (aggregator-api 3.1).
    static let firstLine = "Please sign the below text for ownership verification."

    /// The text that `owner` has to sign. Its lines say for which chain and until when, in UTC.
    public func getSignatureFormat(for owner: Address) async throws -> String {
        let request = Wire.GetSignatureFormatReq.with { $0.wallet = owner.checksummed }
        return try await call(Wire.AggregatorMethods.getSignatureFormat, request, .safe).message
    }

    /// Signs in as the owner of `key` and keeps the session for all later calls.
    ///
    /// The key signs nothing but a sign-in for its own address: a server that asks for another text does not get a
    /// signature that somebody else would take.
    @discardableResult
    public func signIn(with key: SigningKey) async throws -> Session {
        let message = try await getSignatureFormat(for: key.address)
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 8, lines[0] == Self.firstLine, lines[7] == "Wallet: \(key.address.checksummed)" else {
            throw ClientError(.internal, "the aggregator asks to sign a text that is no sign-in of \(key.address)")
        }
        let signature = try reading { try key.signMessage(Array(message.utf8)) }
        return try await signIn(message: message, proof: signature.hex)
    }

    /// Signs in with a signature that was made elsewhere, or with an API key, and keeps the session.
    ///
    /// - Parameters:
    ///   - message: eight lines as ``getSignatureFormat(for:)`` gives them.
    ///   - proof: `0x` and the 65 bytes r, s, v of the signature in hex, or an API key.
    @discardableResult
    public func signIn(message: String, proof: String) async throws -> Session {
        let request = Wire.GetKeyReq.with {
            $0.message = message
            $0.signature = proof
        }
        let answer = try await call(Wire.AggregatorMethods.getKey, request, .safe)
        do {
            let session = try Session(token: answer.key)
            self.session = session
            return session
        } catch {
            throw ClientError(.internal, "the aggregator's answer cannot be read: \(ClientError(error).message)")
        }
    }
}
