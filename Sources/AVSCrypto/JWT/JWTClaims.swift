import AVSPrimitives

/// What a token says. Claims that are not listed here are ignored.
public struct JWTClaims: Hashable, Sendable {
    /// `iss`. Written, never checked.
    public var issuer: String?
    /// `sub`: an address, or the name of an API key.
    public var subject: String?
    /// `aud`: chain ids as text.
    public var audience: [String]
    /// `exp`, in seconds since the epoch. The token is valid before that second (JWT-4: required).
    public var expiresAt: Int64
    /// `nbf`, in seconds since the epoch.
    public var notBefore: Int64?
    /// `roles`; only API keys have some (JWT-6).
    public var roles: [String]
    /// `jti`; only API keys with a record have one, which is the record's id.
    public var id: String?
    /// `api_key`, ours: the id of the API key that this token was made with, and with which it ends.
    public var keyID: String?

    public init(
        issuer: String? = nil, subject: String? = nil, audience: [String] = [], expiresAt: Int64,
        notBefore: Int64? = nil, roles: [String] = [], id: String? = nil, keyID: String? = nil
    ) {
        (self.issuer, self.subject, self.audience) = (issuer, subject, audience)
        (self.id, self.keyID) = (id, keyID)
        (self.expiresAt, self.notBefore, self.roles) = (expiresAt, notBefore, roles)
    }

    /// Strict reading of a payload whose MAC is valid (JWT-4).
    init(payload: [UInt8]) throws(JWTError) {
        let claims: JSONValue
        do throws(JSONError) {
            claims = try JSONValue(parsing: payload, maximumDepth: 8, duplicateKeys: .refuse)
        } catch {
            // The parser's text can quote a key of the payload.
            throw .malformedClaims("not strict JSON at byte \(error.offset)")
        }
        guard claims.objectValue != nil else { throw .malformedClaims("not an object") }
        guard let expiresAt = try Self.time(claims, "exp") else { throw .malformedClaims("exp is missing") }
        self.expiresAt = expiresAt
        notBefore = try Self.time(claims, "nbf")
        issuer = try Self.text(claims, "iss")
        subject = try Self.text(claims, "sub")
        audience = try Self.texts(claims, "aud", orOneText: true)
        roles = try Self.texts(claims, "roles", orOneText: false)
        id = try Self.text(claims, "jti")
        keyID = try Self.text(claims, "api_key")
    }

    var payload: String {
        var object: [String: JSONValue] = ["exp": .number(Double(expiresAt))]
        object["nbf"] = notBefore.map { .number(Double($0)) }
        object["iss"] = issuer.map(JSONValue.string)
        object["sub"] = subject.map(JSONValue.string)
        object["jti"] = id.map(JSONValue.string)
        object["api_key"] = keyID.map(JSONValue.string)
        if !audience.isEmpty { object["aud"] = .array(audience.map(JSONValue.string)) }
        if !roles.isEmpty { object["roles"] = .array(roles.map(JSONValue.string)) }
        return JSONValue.object(object).serialized
    }

    private static func time(_ claims: JSONValue, _ key: String) throws(JWTError) -> Int64? {
        guard let value = claims[key] else { return nil }
        guard let seconds = value.integerValue, seconds >= 0 else {
            throw .malformedClaims("\(key) is not a whole number of seconds since the epoch")
        }
        return seconds
    }

    private static func text(_ claims: JSONValue, _ key: String) throws(JWTError) -> String? {
        guard let value = claims[key] else { return nil }
        guard let text = value.stringValue else { throw .malformedClaims("\(key) is not a text") }
        return text
    }

    /// RFC 7519 allows one audience to stand without its array.
    private static func texts(_ claims: JSONValue, _ key: String, orOneText: Bool) throws(JWTError) -> [String] {
        guard let value = claims[key] else { return [] }
        if orOneText, let text = value.stringValue { return [text] }
        guard let elements = value.arrayValue else { throw .malformedClaims("\(key) is not an array") }
        var texts: [String] = []
        for element in elements {
            guard let text = element.stringValue else {
                throw .malformedClaims("\(key) holds something that is no text")
            }
            texts.append(text)
        }
        return texts
    }
}
