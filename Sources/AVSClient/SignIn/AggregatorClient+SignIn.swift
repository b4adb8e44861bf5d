import AVSCrypto
public import AVSPrimitives
import AVSProto
import AVSRPC

extension AggregatorClient {
    /// The first line of every message that an aggregator asks to be signed (aggregator-api 3.1).
    static let firstLine = "Please sign the below text for ownership verification."

    /// The text that `owner` has to sign. Its lines say for which chain and until when, in UTC.
    public func getSignatureFormat(for owner: Address) async throws(AggregatorError) -> String {
        let request = Wire.GetSignatureFormatReq.with { $0.wallet = owner.checksummed }
        return try await call(Wire.AggregatorMethods.getSignatureFormat, request, .safe, for: .everybody).message
    }

    /// Signs in and keeps the session for all later calls.
    ///
    /// The signer signs nothing but a sign-in for its own address: a server that asks for another text does not get a
    /// signature that somebody else would take.
    @discardableResult
    public func signIn(with signer: some SignInSigner) async throws(AggregatorError) -> Session {
        let session = try await newSession(signer)
        self.session = session
        return session
    }

    /// Signs in as `owner` with an API key, and keeps the session. An administrator's key is good for every owner.
    @discardableResult
    public func signIn(as owner: Address, apiKey: Sensitive<String>) async throws(AggregatorError) -> Session {
        try await getKey(message: getSignatureFormat(for: owner), proof: apiKey.exposed)
    }

    /// Signs in with a signature that was made elsewhere, or with an API key, and keeps the session.
    ///
    /// - Parameters:
    ///   - message: eight lines as ``getSignatureFormat(for:)`` gives them.
    ///   - proof: `0x` and the 65 bytes r, s, v of the signature in hex, or an API key.
    @discardableResult
    public func getKey(message: String, proof: String) async throws(AggregatorError) -> Session {
        let session = try await exchanged(message, proof)
        self.session = session
        return session
    }

    /// A session that is not kept yet.
    func newSession(_ signer: some SignInSigner) async throws(AggregatorError) -> Session {
        let message = try await getSignatureFormat(for: signer.address)
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 8, lines[0] == Self.firstLine, lines[7] == "Wallet: \(signer.address.checksummed)" else {
            throw .unreadable("the aggregator asks to sign a text that is no sign-in of \(signer.address)")
        }
        let proof: String
        do {
            proof = try await signer.signMessage(Array(message.utf8)).hex
        } catch is CancellationError {
            throw AggregatorError(CancellationError())
        } catch {
            throw .unauthenticated(.init(.unauthenticated, "the sign-in could not be signed: \(error)"))
        }
        return try await exchanged(message, proof)
    }

    private func exchanged(_ message: String, _ proof: String) async throws(AggregatorError) -> Session {
        let request = Wire.GetKeyReq.with {
            $0.message = message
            $0.signature = proof
        }
        let answer = try await call(Wire.AggregatorMethods.getKey, request, .safe, for: .everybody)
        do throws(AggregatorError) {
            return try Session(token: answer.key)
        } catch {
            throw .unreadable("the aggregator's answer cannot be read: \(error.message)")
        }
    }
}
