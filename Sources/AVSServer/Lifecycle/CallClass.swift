import AVSProto
import AVSRPC
import AVSStorage

/// How urgent each rpc is when there is too much to do (OVL-4).
///
/// One table for every method of the schema; health and reflection, which are not in it, are never shed.
enum CallClass {
    static func of(_ path: MethodPath) -> WorkClass { table[path.text] ?? .control }

    static let table: [String: WorkClass] = {
        var table: [String: WorkClass] = [:]
        for (workClass, paths) in classes {
            for path in paths { table[path] = workClass }
        }
        return table
    }()

    private static let classes: [WorkClass: [String]] = [
        .control: [Wire.NodeMethods.healthCheck.path],
        .report: [
            // Their senders do not repeat a lost report.
            Wire.NodeMethods.notifyTriggers.path, Wire.NodeMethods.syncMessages.path, Wire.NodeMethods.ping.path,
            Wire.NodeMethods.ack.path, Wire.NodeMethods.reportEventOverload.path,
        ],
        .change: [
            Wire.AggregatorMethods.cancelTask.path, Wire.AggregatorMethods.setTaskEnabled.path,
            Wire.AggregatorMethods.deleteTask.path, Wire.AggregatorMethods.setWallet.path,
            Wire.AggregatorMethods.updateSecret.path, Wire.AggregatorMethods.deleteSecret.path,
        ],
        .read: [
            Wire.AggregatorMethods.getSignatureFormat.path, Wire.AggregatorMethods.getKey.path,
            Wire.AggregatorMethods.getNonce.path, Wire.AggregatorMethods.listWallets.path,
            Wire.AggregatorMethods.getTask.path, Wire.AggregatorMethods.listTasks.path,
            Wire.AggregatorMethods.listExecutions.path, Wire.AggregatorMethods.getExecution.path,
            Wire.AggregatorMethods.getExecutionStatus.path, Wire.AggregatorMethods.listSecrets.path,
            Wire.AggregatorMethods.getWorkflowCount.path, Wire.AggregatorMethods.getExecutionCount.path,
            Wire.AggregatorMethods.getExecutionStats.path,
        ],
        .create: [
            Wire.AggregatorMethods.createTask.path, Wire.AggregatorMethods.getWallet.path,
            Wire.AggregatorMethods.createSecret.path,
            // Begin work that its callers can ask for again.
            Wire.AggregatorMethods.triggerTask.path, Wire.AggregatorMethods.withdrawFunds.path,
        ],
        .trial: [
            Wire.AggregatorMethods.runNodeWithInputs.path, Wire.AggregatorMethods.simulateTask.path,
            Wire.AggregatorMethods.runTrigger.path, Wire.AggregatorMethods.estimateFees.path,
            Wire.AggregatorMethods.getTokenMetadata.path,
        ],
    ]
}

extension RPCMethod {
    /// The same method, whose handler's updates say how urgent they are and how much memory they keep alive.
    func withOrigin() -> RPCMethod {
        let workClass = CallClass.of(path)
        let handler: Handler =
            switch handler {
            case .unary(let respond):
                .unary { request, call in
                    let origin = UpdateOrigin(workClass, requestBytes: request.count)
                    return try await UpdateOrigin.$current.withValue(origin) { try await respond(request, call) }
                }
            case .streaming(let respond):
                .streaming { channel, call in
                    try await UpdateOrigin.$current.withValue(UpdateOrigin(workClass)) {
                        try await respond(channel, call)
                    }
                }
            }
        return RPCMethod(path, kind, options: options, handler: handler)
    }
}
