public import AVSModel
public import AVSPrimitives
import AVSProto
import AVSWire

/// What became of a secret that was written.
public enum SecretChange: Hashable, Sendable {
    /// There was none of this name in this scope.
    case created
    /// Its value was replaced.
    case updated
}

extension AggregatorClient {
    /// Stores a secret. One that is there already gets the new value, and keeps its age.
    ///
    /// The value is kept byte for byte and may be empty. It can never be read back.
    @discardableResult
    public func createSecret(
        _ name: SecretName, _ value: Sensitive<String>, scope: SecretScope = .user,
        idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) -> SecretChange {
        let request = Wire.CreateOrUpdateSecretReq(name, value, scope)
        let answer = try await call(Wire.AggregatorMethods.createSecret, request, .change(idempotencyKey))
        return answer.status == "updated" ? .updated : .created
    }

    /// Replaces the value of a secret that is there.
    ///
    /// - Throws: ``AggregatorError/notFound(_:)`` when there is none of this name in this scope.
    public func updateSecret(
        _ name: SecretName, _ value: Sensitive<String>, scope: SecretScope = .user,
        idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) {
        let request = Wire.CreateOrUpdateSecretReq(name, value, scope)
        _ = try await call(Wire.AggregatorMethods.updateSecret, request, .change(idempotencyKey))
    }

    /// Removes a secret.
    ///
    /// With the scope `user`, when there is no such secret and exactly one of this name in any workflow,
    /// that one is removed (aggregator-api 2.10).
    ///
    /// - Returns: false when there was none, which is no failure.
    @discardableResult
    public func deleteSecret(
        _ name: SecretName, scope: SecretScope = .user, idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) -> Bool {
        let request = Wire.DeleteSecretReq.with {
            $0.name = name.description
            $0.workflowId = scope.workflow?.description ?? ""
            $0.orgId = scope.organisation?.description ?? ""
        }
        let answer = try await call(Wire.AggregatorMethods.deleteSecret, request, .change(idempotencyKey))
        return answer.status == "deleted"
    }

    /// What secrets there are, by workflow and name, those of no workflow last. Values are never listed.
    ///
    /// - Parameters:
    ///   - workflow: only those of this workflow; nil lists all of the caller's, except those of organisations.
    ///   - pageSize: items to ask for at once; not negative.
    public func secrets(
        of workflow: ScopeID? = nil, pageSize: Int = Listing<SecretEntry>.defaultPageSize
    ) -> Listing<SecretEntry> {
        Listing { (position) async throws(AggregatorError) in
            let session = try await self.signedIn()
            let request = Wire.ListSecretsReq.with {
                $0.workflowId = workflow?.description ?? ""
                $0.limit = Int64(pageSize)
                $0.includeTimestamps = true
                ($0.after, $0.before) = position.fields
            }
            let answer = try await self.call(Wire.AggregatorMethods.listSecrets, request, .safe)
            return try self.reading {
                Page(try answer.items.map { try SecretEntry($0, owner: session.owner) }, answer.pageInfo)
            }
        }
    }
}

extension Wire.CreateOrUpdateSecretReq {
    fileprivate init(_ name: SecretName, _ value: Sensitive<String>, _ scope: SecretScope) {
        self.init()
        self.name = name.description
        secret = value.exposed
        workflowId = scope.workflow?.description ?? ""
        orgId = scope.organisation?.description ?? ""
    }
}

extension SecretEntry {
    fileprivate init(_ wire: Wire.Secret, owner: Address) throws {
        self.init(
            name: try SecretName(wire.name),
            scope: try SecretScope(workflow: wire.workflowId, organisation: wire.orgId), owner: owner,
            createdAt: Timestamp(milliseconds: wire.createdAt), updatedAt: Timestamp(milliseconds: wire.updatedAt))
    }
}
