import AVSCrypto
import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire

// API keys (aggregator-api 3.3, T48).
extension AdminHandlers {
    var keyMethods: [RPCMethod] {
        [
            .unary(Wire.AdminMethods.createApiKey) { request, call in
                try await create(request, by: call.administrator)
            },
            .unary(Wire.AdminMethods.listApiKeys) { request, _ in
                let now = time.now
                let keys = engine.apiKeys.all.filter { !request.goodOnly || $0.state(at: now) == .good }
                return .with { $0.items = keys.map { Wire.ApiKey($0, at: now) } }
            },
            .unary(Wire.AdminMethods.getApiKey) { request, _ in
                guard let key = try engine.apiKeys.key(id(request.id)) else { throw EngineError.apiKeyNotFound }
                return Wire.ApiKey(key, at: time.now)
            },
            .unary(Wire.AdminMethods.updateApiKey) { request, call in
                let key = try await update(request, by: call.administrator)
                return Wire.ApiKey(key, at: time.now)
            },
            .unary(Wire.AdminMethods.revokeApiKey) { request, call in
                let key = try await revoke(request, by: call.administrator)
                return Wire.ApiKey(key, at: time.now)
            },
        ]
    }

    private func id(_ text: String) throws(InvalidArgument) -> APIKeyID {
        guard let id = APIKeyID(text) else { throw InvalidArgument(.invalidRequest, "id is not an API key's") }
        return id
    }

    private func create(
        _ request: Wire.CreateApiKeyReq, by administrator: Administrator
    ) async throws -> Wire.CreateApiKeyResp {
        let (account, scopes) = try request.checked()
        let rates = try APIKeyRates().changed(by: request.rates)
        let now = time.now
        var lifetime = keyLifetime
        if request.lifetimeSeconds != 0 {
            guard request.lifetimeSeconds > 0, .seconds(request.lifetimeSeconds) <= keyLifetime else {
                let most = keyLifetime.components.seconds
                throw InvalidArgument(
                    .invalidRequest,
                    "lifetime_seconds is \(request.lifetimeSeconds): wanted 1 to \(most), apikey.lifetime")
            }
            lifetime = .seconds(request.lifetimeSeconds)
        }
        // Whole seconds, as tokens count.
        let expiresAt = Timestamp(seconds: now.adding(lifetime).seconds)
        let id = engine.apiKeys.newID()
        let token = try authority.token(of: id, account: account, scopes: scopes, expiresAt: expiresAt)
        let key = APIKey(
            id: id, name: request.name, account: account, scopes: scopes, digest: TokenAuthority.digest(of: token),
            createdAt: now, expiresAt: expiresAt, rates: rates)
        try await engine.apiKeys.create(key, by: administrator)
        return .with {
            $0.key = Wire.ApiKey(key, at: now)
            $0.token = token
        }
    }

    private func update(_ request: Wire.UpdateApiKeyReq, by administrator: Administrator) async throws -> APIKey {
        let id = try id(request.id)
        guard let wanted = request.rates else {
            throw InvalidArgument(.missingRequiredField, "rates is empty: there is nothing to change")
        }
        return try await engine.apiKeys.update(id, by: administrator) { try $0.changed(by: wanted) }
    }

    private func revoke(_ request: Wire.RevokeApiKeyReq, by administrator: Administrator) async throws -> APIKey {
        switch request.which {
        case .id(let text): return try await engine.apiKeys.revoke(id(text), by: administrator)
        case .token(let token):
            guard let claims = authority.claims(of: token, now: time.now) else {
                throw InvalidArgument(
                    .invalidRequest, "token is not one of this aggregator, or is expired: it opens nothing")
            }
            let digest = TokenAuthority.digest(of: token)
            if let known = engine.apiKeys.key(digest: digest) {
                return try await engine.apiKeys.revoke(known.id, by: administrator)
            }
            let key = APIKey(
                id: engine.apiKeys.newID(), name: "a token without a record",
                account: claims.subject.flatMap { Address($0) }, scopes: Set(claims.roles.compactMap(APIScope.init)),
                digest: digest, createdAt: time.now, expiresAt: Timestamp(seconds: claims.expiresAt))
            return try await engine.apiKeys.revoke(unrecorded: key, by: administrator)
        case nil: throw InvalidArgument(.missingRequiredField, "wanted the id or the token of an API key")
        }
    }
}

extension Wire.CreateApiKeyReq {
    /// - Throws: ``InvalidArgument`` for what cannot be a key.
    fileprivate func checked() throws(InvalidArgument) -> (account: Address?, scopes: Set<APIScope>) {
        guard APIKey.isName(name) else {
            throw InvalidArgument(
                .invalidRequest, "name is invalid: wanted 1 to \(APIKey.nameLimitBytes) printable ASCII characters")
        }
        var scopes: Set<APIScope> = []
        for scope in self.scopes {
            guard let known = APIScope(scope) else {
                throw InvalidArgument(.invalidRequest, "scope \(scope.rawValue) is not known")
            }
            scopes.insert(known)
        }
        guard !scopes.isEmpty else {
            throw InvalidArgument(.missingRequiredField, "scopes is empty: wanted read, write, admin or operator")
        }
        if account.isEmpty {
            guard scopes.isDisjoint(with: [.read, .write]) else {
                throw InvalidArgument(.missingRequiredField, "account is empty: the scopes read and write need one")
            }
            return (nil, scopes)
        }
        guard let account = Address(account), !account.isZero else {
            throw InvalidArgument(.invalidAddress, "account is not a hex address, or zero")
        }
        return (account, scopes)
    }
}

extension APIKeyRates {
    /// - Throws: ``InvalidArgument`` for a number out of bounds.
    fileprivate func changed(by wire: Wire.ApiKeyRates?) throws(InvalidArgument) -> APIKeyRates {
        changed(
            reads: try Change(wire?.reads, "reads"), writes: try Change(wire?.writes, "writes"),
            simulations: try Change(wire?.simulations, "simulations"))
    }
}

extension APIKeyRates.Change {
    /// - Returns: nil where there is nothing to change.
    fileprivate init?(_ wire: Wire.CallRate?, _ name: String) throws(InvalidArgument) {
        guard let wire else { return nil }
        guard wire.perSecond != 0 || wire.burst != 0 else {
            self = .standard
            return
        }
        let (seconds, bursts) = (CallRate.perSecondBounds, CallRate.burstBounds)
        guard seconds.contains(Int(wire.perSecond)), bursts.contains(Int(wire.burst)) else {
            throw InvalidArgument(
                .invalidRequest,
                "rates.\(name) is \(wire.perSecond) a second, \(wire.burst) at once: wanted 1 to \(seconds.upperBound) "
                    + "and 1 to \(bursts.upperBound)")
        }
        self = .own(CallRate(perSecond: Int(wire.perSecond), burst: Int(wire.burst)))
    }
}

extension Wire.CallRate {
    fileprivate init(_ rate: CallRate) {
        self.init()
        perSecond = Int32(clamping: rate.perSecond)
        burst = Int32(clamping: rate.burst)
    }
}

extension APIScope {
    fileprivate init?(_ scope: Wire.ApiScope) {
        switch scope {
        case .read: self = .read
        case .write: self = .write
        case .admin: self = .admin
        case .operator: self = .node
        default: return nil
        }
    }

    fileprivate var wire: Wire.ApiScope {
        switch self {
        case .read: .read
        case .write: .write
        case .admin: .admin
        case .node: .operator
        }
    }
}

extension Wire.ApiKey {
    init(_ key: APIKey, at now: Timestamp) {
        self.init()
        id = "\(key.id)"
        name = key.name
        account = key.account?.checksummed ?? ""
        scopes = key.scopes.sorted().map(\.wire)
        createdAt = key.createdAt.milliseconds
        expiresAt = key.expiresAt.milliseconds
        revokedAt = key.revokedAt?.milliseconds ?? 0
        lastUsedAt = key.lastUsedAt?.milliseconds ?? 0
        state = key.state(at: now).rawValue
        guard key.rates != APIKeyRates() else { return }
        rates = .with {
            $0.reads = key.rates.reads.map { Wire.CallRate($0) }
            $0.writes = key.rates.writes.map { Wire.CallRate($0) }
            $0.simulations = key.rates.simulations.map { Wire.CallRate($0) }
        }
    }
}
