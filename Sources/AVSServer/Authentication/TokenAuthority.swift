public import AVSCrypto
import AVSEngine
import AVSModel
import AVSPrimitives
import AVSRPC

/// Gives tokens to those who prove an account, and reads them back.
///
/// - Source: aggregator-api 2.6, 3.2 to 3.4; reliability-security 5.6.
public struct TokenAuthority: Sendable {
    static let issuer = "AvaProtocol"
    /// How long a proposed sign-in message is good for.
    static let proposedLifetime = Duration.seconds(48 * 3_600)
    /// Audiences that every server accepts: mainnet, and an old test network (3.4).
    private static let commonAudiences: Set<String> = ["1", "17000"]

    let tokens: JWT
    let chainID: UInt64
    let version: String
    /// The farthest expiry of a token; `nil` is no bound.
    let maximumLifetime: Duration?
    /// The keys with a record; without them a token that names one is refused.
    var keys: APIKeyDirectory?

    public init(tokens: JWT, chainID: UInt64, version: String, maximumLifetime: Duration?) {
        self.tokens = tokens
        self.chainID = chainID
        self.version = version
        self.maximumLifetime = maximumLifetime
    }

    /// The text that `wallet` may sign.
    func proposal(wallet: String, now: Timestamp) -> String {
        SignInMessage(
            chainID: chainID, version: version, issuedAt: now, expireAt: now.adding(Self.proposedLifetime),
            wallet: wallet
        ).text
    }

    struct Grant {
        var account: Address
        var token: String
        /// Seconds since the epoch.
        var expiresAt: Int64
    }

    /// A token for whoever signed `message`, or holds an API key in place of the signature.
    /// - Throws: ``InvalidArgument`` or ``RPCStatus`` with the texts of aggregator-api 2.6, in its order.
    func grant(message: String, signature: String, now: Timestamp) throws -> Grant {
        let (content, account) = try SignInMessage.parse(message, serverChainID: chainID)
        var key: APIKey?
        if signature.utf8.contains(UInt8(ascii: ".")) {
            key = try self.key(signature, goodFor: account, now: now)
        } else {
            try checkSignature(signature, of: message, by: account)
        }
        guard content.expireAt > now else {
            throw RPCStatus(.unauthenticated, .expiredToken, "Malformed Expired Time")
        }
        guard content.issuedAt <= now.adding(.seconds(300)) else {
            throw InvalidArgument(.invalidRequest, "Issued At is in the future")
        }
        var expiresAt = content.expireAt.seconds
        if let maximumLifetime { expiresAt = min(expiresAt, now.adding(maximumLifetime).seconds) }
        if let key { expiresAt = min(expiresAt, key.expiresAt.seconds) }
        let claims = JWTClaims(
            issuer: Self.issuer, subject: account.checksummed, audience: ["\(content.chainID)"], expiresAt: expiresAt,
            keyID: key.map { "\($0.id)" })
        do {
            return Grant(account: account, token: try tokens.sign(claims), expiresAt: expiresAt)
        } catch {
            throw RPCStatus(.internal, .executionEngineError, "Internal server error")
        }
    }

    private func checkSignature(_ text: String, of message: String, by account: Address) throws {
        guard text.hasPrefix("0x"), let bytes = Hex.decode(text), bytes.count == Signature.byteCount else {
            throw InvalidArgument(
                .invalidSignatureFormat, "Unable to decode client's signature. Please check the message's format.")
        }
        let digest = SignedMessage.digest(of: Array(message.utf8))
        guard let signature = Signature(bytes: bytes), signature.isValid(for: digest, by: account) else {
            throw RPCStatus(.unauthenticated, .invalidSignature, "User Auth key is invalid")
        }
    }

    /// Lets an API key mint a token of `account`, or refuses it (3.3). One with a record needs the scope `admin`, or to
    /// be the account's own with `read` and `write`: the token may do both.
    ///
    /// - Returns: the record with which the new token ends; `nil` for a key that has none.
    private func key(_ token: String, goodFor account: Address, now: Timestamp) throws(RPCStatus) -> APIKey? {
        let refusal = RPCStatus(.unauthenticated, .unauthorized, "User authentication error: API key is invalid")
        guard case .success(let claims) = read(token, now: now), let subject = claims.subject else { throw refusal }
        let standing: Standing
        do throws(TokenRefusal) { standing = try self.standing(of: token, claims, now: now) } catch { throw refusal }
        if let id = standing.key?.id { keys?.noteUse(of: id) }
        if let key = standing.key, let scopes = standing.scopes {
            let isOwn = key.account == account && scopes.isSuperset(of: [.read, .write])
            guard scopes.contains(.admin) || isOwn else { throw refusal }
            return key
        }
        let isAdmin = claims.roles.contains("admin")
        if subject == "apikey" {
            guard isAdmin else { throw refusal }
            return standing.key
        }
        guard let holder = Address(subject), isAdmin || holder == account else { throw refusal }
        return standing.key
    }

    /// What the records say of a token that is valid by itself.
    private struct Standing {
        /// The API key that it is, or that it was made with; `nil` without one.
        var key: APIKey?
        /// What it may be used for, when it is an API key with a record; `nil` is what its claims say.
        var scopes: Set<APIScope>?
    }

    /// - Throws: ``TokenRefusal`` for a token that was revoked, or whose API key is no good any more.
    private func standing(of token: String, _ claims: JWTClaims, now: Timestamp) throws(TokenRefusal) -> Standing {
        let parent = try claims.keyID.map { (text) throws(TokenRefusal) -> APIKey in
            try good(APIKeyID(text).flatMap { keys?.key($0) }, now: now)
        }
        guard let keys, !keys.isEmpty || claims.id != nil else {
            if claims.id != nil { _ = try good(nil, now: now) }
            return Standing(key: parent)
        }
        guard let key = keys.key(digest: Self.digest(of: token)) else {
            // A key whose record is gone was never revoked in writing: nothing says that it still counts.
            if claims.id != nil { _ = try good(nil, now: now) }
            return Standing(key: parent)
        }
        return Standing(key: try good(key, now: now), scopes: key.scopes)
    }

    private func good(_ key: APIKey?, now: Timestamp) throws(TokenRefusal) -> APIKey {
        guard let key else { throw TokenRefusal("User Auth key is invalid: no such API key") }
        switch key.state(at: now) {
        case .good: return key
        case .revoked: throw TokenRefusal("User Auth key is invalid: the API key is revoked")
        case .expired: throw TokenRefusal("User Auth key is invalid", isExpired: true)
        }
    }

    /// SHA-256 of what the signature is over, so that one token has one digest (T48).
    static func digest(of token: String) -> Hash32 {
        SHA256.hash(Array(token.utf8.prefix(upTo: token.utf8.lastIndex(of: UInt8(ascii: ".")) ?? token.utf8.endIndex)))
    }

    private func read(_ token: String, now: Timestamp) -> Result<JWTClaims, JWTError> {
        do throws(JWTError) { return .success(try tokens.verify(token, at: now)) } catch { return .failure(error) }
    }

    // MARK: Reading

    /// Who a token stands for, and what it may be used for.
    struct Holder: Hashable {
        var account: Address
        /// The API key that the token is, or was made with.
        var key: APIKeyUse?
        /// `nil` is everything that a user may.
        var scopes: Set<APIScope>?
    }

    /// The account that a token stands for.
    /// - Throws: ``TokenRefusal`` with the reason of aggregator-api 2.3.
    func holder(of token: String?, now: Timestamp) throws(TokenRefusal) -> Holder {
        guard let token else { throw TokenRefusal("missing auth header") }
        let claims: JWTClaims
        switch read(token, now: now) {
        case .success(let read): claims = read
        case .failure(.expired): throw TokenRefusal("User Auth key is invalid", isExpired: true)
        case .failure: throw TokenRefusal("User Auth key is invalid")
        }
        guard let subject = claims.subject, !subject.isEmpty else { throw TokenRefusal("User Auth key is invalid") }
        guard let audience = claims.audience.first, !audience.isEmpty else {
            throw TokenRefusal("User Auth key is invalid: error getting audience or audience is empty")
        }
        guard audience == "\(chainID)" || Self.commonAudiences.contains(audience) else {
            throw TokenRefusal("User Auth key is invalid: invalid chainId in audience")
        }
        guard let account = Address(subject) else {
            throw TokenRefusal("User Auth key is invalid: subject must be a valid EOA address")
        }
        guard !account.isZero else {
            throw TokenRefusal("User Auth key is invalid: subject cannot be the zero address")
        }
        let standing = try standing(of: token, claims, now: now)
        if let id = standing.key?.id { keys?.noteUse(of: id) }
        return Holder(account: account, key: standing.key.map { APIKeyUse($0) }, scopes: standing.scopes)
    }

    // MARK: Administrators

    /// Who administers with this token: the holder of an API key with the scope, or of a token of ours with the role
    /// `admin` that was made without a record (3.3). What a sign-in gives has no roles (T03).
    ///
    /// - Throws: UNAUTHENTICATED for what is no token of ours, PERMISSION_DENIED for one that may not.
    func administrator(
        _ token: String?, needs scope: APIScope, origin: String, now: Timestamp
    ) throws(RPCStatus) -> Administrator {
        let start = "Admin authentication error"
        guard let token else { throw RPCStatus(.unauthenticated, .unauthorized, "\(start): missing auth header") }
        let claims: JWTClaims
        switch read(token, now: now) {
        case .success(let read): claims = read
        case .failure(.expired): throw RPCStatus(.unauthenticated, .expiredToken, "\(start): the token is expired")
        case .failure: throw RPCStatus(.unauthenticated, .unauthorized, "\(start): not a token of this aggregator")
        }
        let standing: Standing
        do throws(TokenRefusal) {
            standing = try self.standing(of: token, claims, now: now)
        } catch {
            throw RPCStatus(
                .unauthenticated, error.isExpired ? .expiredToken : .unauthorized, "\(start): \(error.reason)")
        }
        let scopes: Set<APIScope> =
            standing.scopes ?? (standing.key == nil && claims.roles.contains("admin") ? [.admin] : [])
        guard scopes.contains(scope) || scopes.contains(.admin) else {
            throw RPCStatus(
                .permissionDenied, .forbidden, "this call needs an API key with the scope \(scope.rawValue)")
        }
        if let id = standing.key?.id { keys?.noteUse(of: id) }
        let name = standing.key.map { "key \($0.id)" } ?? "token \(Self.digest(of: token).hex.dropFirst(2).prefix(16))"
        return Administrator(name: name, origin: origin)
    }

    // MARK: API keys

    /// The token of a new API key (3.3).
    func token(of id: APIKeyID, account: Address?, scopes: Set<APIScope>, expiresAt: Timestamp) throws -> String {
        try tokens.sign(
            JWTClaims(
                issuer: Self.issuer, subject: account?.checksummed ?? "apikey", audience: ["\(chainID)"],
                expiresAt: expiresAt.seconds, roles: scopes.sorted().map(\.rawValue), id: "\(id)"))
    }

    /// What a token says that is to be revoked; `nil` for one that is no good anyway.
    func claims(of token: String, now: Timestamp) -> JWTClaims? {
        guard case .success(let claims) = read(token, now: now) else { return nil }
        return claims
    }
}

/// Why a token proves nothing.
struct TokenRefusal: Error, Hashable {
    var reason: String
    var isExpired: Bool

    init(_ reason: String, isExpired: Bool = false) {
        self.reason = reason
        self.isExpired = isExpired
    }
}
