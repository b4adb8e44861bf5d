import AVSCrypto
import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import Logging

/// `aggregator.Admin`, in its parts.
struct AdminHandlers: Sendable {
    let engine: TaskEngine
    let authority: TokenAuthority
    /// `nil` where nothing makes backups.
    let backups: (any BackupKeeping)?
    /// Of a new API key that asks for none, and the most that one gets.
    let keyLifetime: Duration
    let time: any TimeSource
    let logger: Logger

    var methods: [RPCMethod] { operatorMethods + keyMethods + rootKeyMethods + backupMethods + auditMethods }
}

// MARK: Operators

extension AdminHandlers {
    private var operatorMethods: [RPCMethod] {
        [
            .unary(Wire.AdminMethods.listOperators) { request, _ in try await listOperators(request) },
            .unary(Wire.AdminMethods.disconnectOperator) { request, call in
                try await disconnect(request, by: call.administrator)
            },
        ]
    }

    private func listOperators(_ request: Wire.ListOperatorsReq) async throws -> Wire.ListOperatorsResp {
        let streams = await engine.operators.streams
        let approved = engine.configuration.approvedOperators
        let known = Dictionary(try await engine.knownOperators().map { ($0.address, $0) }) { $1 }
        let addresses =
            request.connectedOnly ? Set(streams.keys) : approved.union(streams.keys).union(known.keys)
        let items = addresses.sorted().map { address in
            var item = Wire.OperatorState()
            item.address = address.checksummed
            item.approved = approved.contains(address)
            if let info = known[address] { item.note(info) }
            if let stream = streams[address] {
                item.note(stream)
                item.connectedAt = time.now.adding(stream.connectedAt - time.monotonic).milliseconds
            }
            return item
        }
        return .with { $0.items = items }
    }

    private func disconnect(
        _ request: Wire.DisconnectOperatorReq, by administrator: Administrator
    ) async throws -> Wire.DisconnectOperatorResp {
        guard let address = Address(request.address) else {
            throw InvalidArgument(.invalidAddress, "address is not a hex address")
        }
        let wasConnected = await engine.operators.end(address)
        if wasConnected {
            try await engine.audit.record(
                AdminAct(by: administrator, action: "operator.disconnect", object: address.checksummed))
        }
        return .with { $0.disconnected = wasConnected }
    }
}

extension Wire.OperatorState {
    /// What it said when it last checked in.
    fileprivate mutating func note(_ info: OperatorInfo) {
        lastPing = info.lastPing.milliseconds
        name = info.name
        version = info.version
        remoteIp = info.remoteIP
        metricsPort = info.metricsPort
        blockNumber = info.blockNumber
        eventCount = info.eventCount
    }

    fileprivate mutating func note(_ stream: OperatorStream) {
        connected = true
        trackedTasks = Int64(stream.trackedTasks)
        waitingMessages = Int64(stream.waitingMessages)
        eventMonitoring = stream.capabilities.events
        blockMonitoring = stream.capabilities.blocks
        timeMonitoring = stream.capabilities.times
    }
}

// MARK: Root keys

extension AdminHandlers {
    private var rootKeyMethods: [RPCMethod] {
        [
            .unary(Wire.AdminMethods.getRootKeys) { _, _ in try await rootKeys() },
            .unary(Wire.AdminMethods.rotateRootKey) { _, call in
                let id = try await changingRootKeys { try await engine.rotateRootKey(by: call.administrator) }
                return .with { $0.id = "\(id)" }
            },
            .unary(Wire.AdminMethods.retireRootKey) { request, call in
                guard let id = Hex.decode(request.id).flatMap({ RootKey.ID(bytes: $0) }) else {
                    throw InvalidArgument(.invalidRequest, "id is not a root key's: wanted 16 hex digits")
                }
                try await changingRootKeys { try await engine.retireRootKey(id, by: call.administrator) }
                return Wire.RetireRootKeyResp()
            },
        ]
    }

    private func rootKeys() async throws -> Wire.GetRootKeysResp {
        let use = try await engine.rootKeyUse()
        return .with {
            $0.items = use.rows.map { row in
                .with {
                    $0.id = "\(row.id)"
                    $0.state = row.state.rawValue
                    $0.secrets = Int64(row.secrets)
                }
            }
            $0.unsealedSecrets = Int64(use.unsealed)
            $0.unreadableSecrets = Int64(use.unreadable)
        }
    }

    /// What is wrong with the files of the keys is for the administrator to know.
    private func changingRootKeys<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as RootKeyFileTrouble {
            throw RPCStatus(.failedPrecondition, .invalidRequest, "root keys cannot be changed: \(error.text)")
        }
    }
}

// MARK: Audit

extension AdminHandlers {
    private var auditMethods: [RPCMethod] {
        [.unary(Wire.AdminMethods.listAuditEntries) { request, _ in try await auditEntries(request) }]
    }

    private func auditEntries(_ request: Wire.ListAuditEntriesReq) async throws -> Wire.ListAuditEntriesResp {
        var after: ULID?
        if !request.after.isEmpty {
            guard let id = ULID(request.after) else {
                throw InvalidArgument(.invalidRequest, "after is not the id of an entry")
            }
            after = id
        }
        guard request.limit >= 0 else { throw InvalidArgument(.invalidRequest, "limit is negative") }
        let page = try await engine.audit.page(after: after, limit: request.limit == 0 ? 100 : Int(request.limit))
        return .with {
            $0.items = page.items.map(Wire.AuditLogEntry.init)
            $0.hasMore = page.hasMore
            $0.isIntact = page.isIntact
        }
    }
}

extension Wire.AuditLogEntry {
    fileprivate init(_ item: AuditPage.Item) {
        self.init()
        let entry = item.entry
        id = "\(entry.id)"
        at = entry.at.milliseconds
        who = entry.act.by.name
        origin = entry.act.by.origin
        action = entry.act.action
        object = entry.act.object
        before = entry.act.before
        after = entry.act.after
        previousDigest = Hex.encode(entry.previous.bytes)
        digest = Hex.encode(item.digest.bytes)
    }
}
