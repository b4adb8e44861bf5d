import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire

/// Secrets of the caller. A value comes in and never goes out.
///
/// - Source: aggregator-api 2.10 and 8.
struct SecretHandlers: Sendable {
    let engine: TaskEngine
    let time: any TimeSource

    var methods: [RPCMethod] {
        [
            .unaryOnce(Wire.AggregatorMethods.createSecret, engine) { request, call, once in
                try await create(request, owner: call.user, once)
            },
            .unaryOnce(Wire.AggregatorMethods.updateSecret, engine) { request, call, once in
                try await update(request, owner: call.user, once)
            },
            .unaryOnce(Wire.AggregatorMethods.deleteSecret, engine) { request, call, once in
                try await delete(request, owner: call.user, once)
            },
            .unary(Wire.AggregatorMethods.listSecrets) { request, call in try await list(request, owner: call.user) },
        ]
    }

    private func create(
        _ request: Wire.CreateOrUpdateSecretReq, owner: Address, _ once: Once
    ) async throws -> Wire.CreateSecretResp {
        let answer: @Sendable (SecretChange) -> Wire.CreateSecretResp = { change in
            Wire.CreateSecretResp(change, at: \.createdAt, change.entry.createdAt)
        }
        let name = try SecretName(request.name)
        let scope = try SecretScope(workflow: request.workflowId, organisation: request.orgId)
        return answer(
            try await engine.secrets.create(
                name, scope: scope, owner: owner, value: Sensitive(request.secret), receipt: once.receipt(answer)))
    }

    private func update(
        _ request: Wire.CreateOrUpdateSecretReq, owner: Address, _ once: Once
    ) async throws -> Wire.UpdateSecretResp {
        let answer: @Sendable (SecretChange) -> Wire.UpdateSecretResp = { change in
            Wire.UpdateSecretResp(change, at: \.updatedAt, change.entry.updatedAt)
        }
        let name = try SecretName(request.name)
        let scope = try SecretScope(workflow: request.workflowId, organisation: request.orgId)
        return answer(
            try await engine.secrets.update(
                name, scope: scope, owner: owner, value: Sensitive(request.secret), receipt: once.receipt(answer)))
    }

    private func delete(
        _ request: Wire.DeleteSecretReq, owner: Address, _ once: Once
    ) async throws -> Wire.DeleteSecretResp {
        let now = time.now
        let answer: @Sendable (SecretScope?) -> Wire.DeleteSecretResp = { scope in
            .with {
                $0.success = true
                $0.status = scope == nil ? "not_found" : "deleted"
                $0.message = scope == nil ? "Secret not found" : "Secret successfully deleted"
                $0.deletedAt = scope == nil ? 0 : now.milliseconds
                $0.secretName = request.name
                $0.scope = scope?.name ?? ""
            }
        }
        let name: SecretName
        let scope: SecretScope
        do throws(InvalidArgument) {
            name = try SecretName(request.name)
            scope = try SecretScope(workflow: request.workflowId, organisation: request.orgId)
        } catch {
            return answer(nil)  // there is no secret that is called so, which is an answer (10.6.3)
        }
        return answer(
            try await engine.secrets.delete(name, scope: scope, owner: owner, receipt: once.receipt(answer)))
    }

    private func list(_ request: Wire.ListSecretsReq, owner: Address) async throws -> Wire.ListSecretsResp {
        let asked = try SecretPageRequest(request, limits: engine.configuration.limits)
        // Of an entry at most 1 KiB is sent, so a page of 1,000 rows stays below 3.5 MiB (D-26).
        let page = try await engine.secrets.list(asked, owner: owner)
        return .with { answer in
            answer.items = page.rows.map { entry in
                .with {
                    $0.name = entry.name.description
                    $0.scope = entry.scope.name
                    $0.workflowId = entry.scope.workflow?.description ?? ""
                    $0.orgId = entry.scope.organisation?.description ?? ""
                    if request.includeTimestamps {
                        $0.createdAt = entry.createdAt.milliseconds
                        $0.updatedAt = entry.updatedAt.milliseconds
                    }
                    if request.includeCreatedBy { $0.createdBy = entry.owner.checksummed }
                }
            }
            answer.pageInfo = .with {
                $0.startCursor = page.rows.first.map { Cursor.text(of: SecretPosition($0)) } ?? ""
                $0.endCursor = page.rows.last.map { Cursor.text(of: SecretPosition($0)) } ?? ""
                $0.hasPreviousPage = page.hasPrevious
                $0.hasNextPage = page.hasNext
            }
        }
    }
}

/// What the answers to writing a secret have in common.
private protocol SecretChangeAnswer: ProtoMessage {
    var success: Bool { get set }
    var status: String { get set }
    var message: String { get set }
    var secretName: String { get set }
    var scope: String { get set }
}

extension Wire.CreateSecretResp: SecretChangeAnswer {}
extension Wire.UpdateSecretResp: SecretChangeAnswer {}

extension SecretChangeAnswer {
    /// - Parameter field: for the one of the entry's times that this answer has.
    init(_ change: SecretChange, at field: WritableKeyPath<Self, Int64>, _ instant: Timestamp) {
        self.init()
        success = true
        status = change.isNew ? "created" : "updated"
        message = "Secret successfully \(status)"
        secretName = change.entry.name.description
        scope = change.entry.scope.name
        self[keyPath: field] = instant.milliseconds
    }
}

extension SecretPageRequest {
    /// - Throws: ``InvalidArgument`` for a bad cursor, a negative limit, or a text that is no workflow's.
    fileprivate init(_ request: Wire.ListSecretsReq, limits: EngineLimits) throws(InvalidArgument) {
        var position = Position.first
        if !request.after.isEmpty {
            if let place = try Cursor.secretPosition(request.after) { position = .after(place) }
        } else if !request.before.isEmpty {
            if let place = try Cursor.secretPosition(request.before) { position = .before(place) }
        }
        let limit = try limits.rows(of: request.limit)
        let scope = try SecretScope(workflow: request.workflowId, organisation: "")
        self.init(position: position, limit: limit, workflow: scope.workflow)
    }
}

extension SecretPosition {
    fileprivate init(_ entry: SecretEntry) { self.init(workflow: entry.scope.workflow, name: entry.name) }

    /// `<workflow or _>:<name>`.
    fileprivate init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let workflow = ScopeID(String(parts[0]))
        guard workflow != nil || parts[0] == "_" else { return nil }
        do throws(InvalidArgument) {
            self.init(workflow: workflow, name: try SecretName(String(parts[1])))
        } catch {
            return nil
        }
    }

    fileprivate var text: String { "\(workflow?.description ?? "_"):\(name)" }
}

extension Cursor {
    fileprivate static func text(of place: SecretPosition) -> String { text(ofPosition: place.text) }

    /// - Returns: `nil` for the position `0`, which stands for no cursor.
    fileprivate static func secretPosition(_ text: String) throws(InvalidArgument) -> SecretPosition? {
        let position = try positionText(text)
        if position == "0" { return nil }
        guard let place = SecretPosition(position) else { throw refusal }
        return place
    }
}
