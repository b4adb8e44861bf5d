import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSRPC

/// How strictly operators are asked for a signature (D-16).
public struct OperatorAuthentication: Hashable, Sendable {
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        case enforce
        /// A wrong signature is noted and let through.
        case log
        case off
    }

    public var mode: Mode
    /// How far an operator's clock may be from ours, either way.
    public var clockTolerance: Duration

    public init(mode: Mode = .enforce, clockTolerance: Duration = .seconds(60)) {
        self.mode = mode
        self.clockTolerance = clockTolerance
    }
}

/// What an operator's `authorization` metadata holds: `Bearer <epoch>.<signature>`.
///
/// - Source: aggregator-api 3.5.
struct OperatorCredential: Hashable, Sendable {
    /// Seconds since the epoch at which the operator signed.
    let epoch: Int64
    private let signature: [UInt8]

    /// - Throws: UNAUTHENTICATED with the texts of the reference.
    init(authorization: String?, now: Timestamp, tolerance: Duration) throws(RPCStatus) {
        guard let authorization else {
            throw RPCStatus(.unauthenticated, .unauthorized, "missing auth header")
        }
        let parts = authorization.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "Bearer" else {
            throw RPCStatus(.unauthenticated, .unauthorized, "Invalid Bearer Token")
        }
        let token = parts[1].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard token.count == 2, let epoch = Self.seconds(token[0]), let bytes = Hex.decode(String(token[1])),
            Signature(bytes: bytes) != nil
        else { throw RPCStatus(.unauthenticated, .unauthorized, "Malform auth header") }
        let signedAt = Timestamp(seconds: epoch)
        guard signedAt >= now.adding(.zero - tolerance), signedAt <= now.adding(tolerance) else {
            throw RPCStatus(
                .unauthenticated, .unauthorized,
                "Signature is expired: signed at \(epoch), the aggregator's clock is at \(now.seconds)")
        }
        self.epoch = epoch
        signature = bytes
    }

    /// Whether the operator with this address signed it, or the alias that it declared.
    func isSigned(for address: Address, _ aliases: OperatorAliases?) async -> Bool {
        if isSigned(by: address, for: address) { return true }
        guard let alias = await aliases?.alias(of: address) else { return false }
        return isSigned(by: alias, for: address)
    }

    /// Whether `signer` signed that it is the operator with this address.
    func isSigned(by signer: Address, for address: Address) -> Bool {
        let text = "Operator:\(address.checksummed)Epoch:\(epoch)"
        guard let signature = Signature(bytes: signature) else { return false }
        return signature.isValid(for: SignedMessage.digest(of: Array(text.utf8)), by: signer)
    }

    /// Digits only, at most 12 of them (INP-6).
    private static func seconds(_ text: Substring) -> Int64? {
        guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }
}
