public import AVSCrypto
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

    public init(tokens: JWT, chainID: UInt64, version: String, maximumLifetime: Duration?) {
        self.tokens = tokens
        self.chainID = chainID
        self.version = version
        self.maximumLifetime = maximumLifetime
    }

    /// The text that `wallet` may sign.
    func proposal(wallet: String, now: Timestamp) -> String {
        SignInMessage(
            chainID: chainID, version: version, issuedAt: now, expireAt: now.adding(Self.proposedLifetime), wallet: wallet
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
        if signature.utf8.contains(UInt8(ascii: ".")) {
            guard isKey(signature, goodFor: account, now: now) else {
                throw RPCStatus(.unauthenticated, .unauthorized, "User authentication error: API key is invalid")
            }
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
        let claims = JWTClaims(
            issuer: Self.issuer, subject: account.checksummed, audience: ["\(content.chainID)"], expiresAt: expiresAt)
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

    /// Whether an API key may mint a token of `account` (3.3).
    private func isKey(_ key: String, goodFor account: Address, now: Timestamp) -> Bool {
        guard case .success(let claims) = read(key, now: now), let subject = claims.subject else { return false }
        let isAdmin = claims.roles.contains("admin")
        if subject == "apikey" { return isAdmin }
        guard let holder = Address(subject) else { return false }
        return isAdmin || holder == account
    }

    private func read(_ token: String, now: Timestamp) -> Result<JWTClaims, JWTError> {
        do throws(JWTError) { return .success(try tokens.verify(token, at: now)) } catch { return .failure(error) }
    }

    // MARK: Reading

    /// The account that a token stands for.
    /// - Throws: ``TokenRefusal`` with the reason of aggregator-api 2.3.
    func account(of token: String?, now: Timestamp) throws(TokenRefusal) -> Address {
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
        return account
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
