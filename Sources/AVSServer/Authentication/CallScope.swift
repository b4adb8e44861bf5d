import AVSModel
import AVSProto
import AVSRPC

/// Which scope of an API key each rpc needs. Tokens of users have no scopes: they may do all that users may.
///
/// One table for every method that a token opens. `aggregator.Node` is not in it: no key makes anybody an operator.
enum CallScope {
    /// The scope that a call needs. A method that is not in the table needs the highest.
    static func needed(by path: MethodPath) -> APIScope { table[path.text] ?? .admin }

    /// - Throws: PERMISSION_DENIED, naming the scope that is wanted.
    static func check(_ scopes: Set<APIScope>, _ path: MethodPath) throws(RPCStatus) {
        let scope = needed(by: path)
        guard !scopes.contains(scope) else { return }
        throw RPCStatus(
            .permissionDenied, .forbidden, "the API key has no scope \(scope.rawValue), which \(path.method) needs")
    }

    static let table: [String: APIScope] = {
        var table: [String: APIScope] = [:]
        for (scope, paths) in scopes {
            for path in paths { table[path] = scope }
        }
        return table
    }()

    private static let scopes: [APIScope: [String]] = [
        .read: [
            Wire.AggregatorMethods.listWallets.path, Wire.AggregatorMethods.getTask.path,
            Wire.AggregatorMethods.listTasks.path, Wire.AggregatorMethods.listExecutions.path,
            Wire.AggregatorMethods.getExecution.path, Wire.AggregatorMethods.getExecutionStatus.path,
            Wire.AggregatorMethods.listSecrets.path, Wire.AggregatorMethods.getWorkflowCount.path,
            Wire.AggregatorMethods.getExecutionCount.path, Wire.AggregatorMethods.getExecutionStats.path,
            Wire.AggregatorMethods.estimateFees.path, Wire.AggregatorMethods.getTokenMetadata.path,
        ],
        .write: [
            // Registers what it derives.
            Wire.AggregatorMethods.getWallet.path, Wire.AggregatorMethods.setWallet.path,
            Wire.AggregatorMethods.withdrawFunds.path, Wire.AggregatorMethods.createTask.path,
            Wire.AggregatorMethods.setTaskEnabled.path, Wire.AggregatorMethods.cancelTask.path,
            Wire.AggregatorMethods.deleteTask.path, Wire.AggregatorMethods.triggerTask.path,
            Wire.AggregatorMethods.createSecret.path, Wire.AggregatorMethods.updateSecret.path,
            Wire.AggregatorMethods.deleteSecret.path,
            // Act outside, with the account's secrets.
            Wire.AggregatorMethods.runNodeWithInputs.path, Wire.AggregatorMethods.runTrigger.path,
            Wire.AggregatorMethods.simulateTask.path,
        ],
        .node: [Wire.AdminMethods.listOperators.path, Wire.AdminMethods.disconnectOperator.path],
        .admin: [
            Wire.AdminMethods.createApiKey.path, Wire.AdminMethods.listApiKeys.path, Wire.AdminMethods.getApiKey.path,
            Wire.AdminMethods.updateApiKey.path, Wire.AdminMethods.revokeApiKey.path,
            Wire.AdminMethods.getRootKeys.path,
            Wire.AdminMethods.rotateRootKey.path, Wire.AdminMethods.retireRootKey.path,
            Wire.AdminMethods.createBackup.path, Wire.AdminMethods.listBackups.path,
            Wire.AdminMethods.verifyBackup.path,
            Wire.AdminMethods.listAuditEntries.path,
        ],
    ]
}
