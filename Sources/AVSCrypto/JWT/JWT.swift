public import AVSPrimitives

/// Signs and verifies the service's tokens: JSON Web Tokens with HS256, strictly (JWT-1 to JWT-5).
///
///     base64url({"alg":"HS256","typ":"JWT"}) . base64url(claims) . base64url(HMAC-SHA-256 of what is before)
///
/// Tokens are signed with the current secret and accepted from the current and the previous one, so that a secret
/// can be changed without logging everybody out. Source: RFC 7515, RFC 7519.
public final class JWT: Sendable {
    /// A token of ours has about 300 bytes (JWT-3).
    public static let sizeLimitBytes = 4096

    /// What a secret's length is good for (JWT-5).
    public enum SecretStrength: Hashable, Sendable {
        /// Below 16 bytes: refused in production.
        case weak
        /// Below 32 bytes, the length of the MAC: a warning.
        case short
        case good
    }

    private let secrets: [SharedSecret]
    /// Of the weakest active secret.
    public let secretStrength: SecretStrength

    /// - Parameters:
    ///   - secret: signs and verifies.
    ///   - previous: verifies only.
    /// - Throws: ``JWTError/emptySecret``.
    public init(secret: SharedSecret, previous: SharedSecret? = nil) throws(JWTError) {
        secrets = previous.map { [secret, $0] } ?? [secret]
        var shortest = Int.max
        for secret in secrets { shortest = min(shortest, secret.bytes.count) }
        guard shortest > 0 else { throw .emptySecret }
        secretStrength = shortest < 16 ? .weak : shortest < 32 ? .short : .good
    }

    /// - Throws: ``JWTError/tooLong(_:)`` if the claims do not fit a token that ``verify(_:at:)`` reads.
    public func sign(_ claims: JWTClaims) throws(JWTError) -> String {
        let header = Base64.encodeURL(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        let signed = header + "." + Base64.encodeURL(Array(claims.payload.utf8))
        let token: String
        do throws(CryptoError) {
            let code = try HMACSHA256.authenticate(Array(signed.utf8), key: secrets[0].bytes)
            token = signed + "." + Base64.encodeURL(code.bytes)
        } catch {
            throw .crypto(error)
        }
        guard token.utf8.count <= Self.sizeLimitBytes else { throw .tooLong(token.utf8.count) }
        return token
    }

    /// The claims of a token that we signed and that is valid at `now`; there is no leeway.
    ///
    /// The MAC is checked over the received bytes before any of the JSON is read, so only tokens of our own making
    /// reach a parser. Subject, audience and roles are the caller's to judge.
    public func verify(_ token: String, at now: Timestamp) throws(JWTError) -> JWTClaims {
        guard token.utf8.count <= Self.sizeLimitBytes else { throw .tooLong(token.utf8.count) }
        let dot = UInt8(ascii: ".")
        let parts = token.utf8.split(separator: dot, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("\(parts.count) parts, a token has 3") }
        let header = try Self.decode(parts[0], "header")
        let payload = try Self.decode(parts[1], "payload")
        let code = try Self.decode(parts[2], "signature")

        try checkCode(code, over: Array(parts[0]) + [dot] + Array(parts[1]))
        try Self.checkHeader(header)
        let claims = try JWTClaims(payload: payload)
        guard now.seconds < claims.expiresAt else { throw .expired(at: claims.expiresAt) }
        if let notBefore = claims.notBefore, now.seconds < notBefore { throw .notYetValid(before: notBefore) }
        return claims
    }

    private static func decode(_ part: Substring.UTF8View, _ name: String) throws(JWTError) -> [UInt8] {
        guard let text = String(part), !text.isEmpty, let bytes = Base64.decodeURL(text) else {
            throw .malformed("\(name) is not canonical base64url without padding")
        }
        return bytes
    }

    private func checkCode(_ code: [UInt8], over signed: [UInt8]) throws(JWTError) {
        do throws(CryptoError) {
            for secret in secrets where try HMACSHA256.isValid(code, for: signed, key: secret.bytes) { return }
        } catch {
            throw .crypto(error)
        }
        throw .wrongSignature
    }

    /// JWT-2. `kid` would choose among our own secrets, which are so few that each is tried; `jwk`, `jku` and `x5u`
    /// are ignored and never fetched.
    private static func checkHeader(_ bytes: [UInt8]) throws(JWTError) {
        let header: JSONValue
        do throws(JSONError) {
            header = try JSONValue(parsing: bytes, maximumDepth: 8, duplicateKeys: .refuse)
        } catch {
            throw .unsupportedHeader("not strict JSON at byte \(error.offset)")
        }
        guard header["alg"]?.stringValue == "HS256" else { throw .unsupportedHeader("alg is not HS256") }
        if let type = header["typ"], type.stringValue != "JWT" { throw .unsupportedHeader("typ is not JWT") }
        guard header["crit"] == nil else { throw .unsupportedHeader("crit names extensions, we have none") }
        if let key = header["kid"], key.stringValue == nil { throw .unsupportedHeader("kid is not a text") }
    }
}
