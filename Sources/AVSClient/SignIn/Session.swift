public import AVSPrimitives
import AVSRPC

/// A token and what it says of itself. Prints without the token.
public struct Session: Hashable, Sendable {
    /// Goes with each call. Whoever has it acts as ``owner`` until ``expiresAt``; it cannot be revoked.
    public let token: Sensitive<String>
    /// The externally owned account that signed in.
    public let owner: Address
    /// From then on the token is not accepted.
    public let expiresAt: Timestamp
    /// The chain that the sign-in was for: the aggregator's default one, or 1 for a sign-in good on any of them.
    public let chainID: UInt64

    /// Reads a token of an earlier sign-in.
    ///
    /// What it says is believed: only the aggregator can check its signature.
    ///
    ///     <header>.<payload: base64url of {"aud":["31337"],"exp":<seconds>,"sub":"0x…"}>.<signature>
    ///
    /// - Throws: ``AggregatorError/invalidArgument(field:_:)`` for a text that is no such token, without showing it.
    /// - Source: aggregator-api 3.4.
    public init(token: String) throws(AggregatorError) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.decodeURL(String(parts[1])) else {
            throw Self.refused("wanted three parts of base64url text, joined by points")
        }
        let payload: JSONValue
        do { payload = try JSONValue(parsing: bytes) } catch { throw Self.refused("its payload is no JSON") }
        guard let owner = payload["sub"]?.stringValue.flatMap({ Address($0) }) else {
            throw Self.refused("its 'sub' is no address")
        }
        guard let seconds = payload["exp"]?.integerValue else { throw Self.refused("it has no 'exp'") }
        guard let chain = (payload["aud"]?[0] ?? payload["aud"])?.stringValue.flatMap({ UInt64($0) }) else {
            throw Self.refused("its 'aud' is no chain id")
        }
        self.token = Sensitive(token)
        self.owner = owner
        expiresAt = Timestamp(seconds: seconds)
        chainID = chain
    }

    private static func refused(_ why: String) -> AggregatorError {
        .invalid("token", "not a token of an aggregator: \(why)")
    }
}
