import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import AVSWorkflow
import Logging

/// All methods that the aggregator's listener offers.
struct Services: Sendable {
    let engine: TaskEngine
    let authority: TokenAuthority
    let operators: OperatorAuthentication
    var aliases: OperatorAliases?
    let gate: CallGate
    let showsCanceledAsDisabled: Bool
    let taskLimits: TaskValidator.Limits
    let health: HealthBoard
    let reflection: ReflectionIndex?
    let time: any TimeSource
    let logger: Logger

    /// Paths that everybody may call (2.1): signing in, the operators' probe, health, reflection.
    static func anonymousPaths(_ health: HealthBoard, _ reflection: ReflectionIndex?) -> Set<String> {
        let named = [
            Wire.AggregatorMethods.getSignatureFormat.path, Wire.AggregatorMethods.getKey.path,
            Wire.AggregatorMethods.getNonce.path, Wire.NodeMethods.healthCheck.path,
        ]
        return Set(named + (health.methods + (reflection?.methods ?? [])).map(\.path.text))
    }

    var methods: [RPCMethod] {
        let validator = TaskValidator(limits: taskLimits)
        let built =
            AuthHandlers(authority: authority, gate: gate, time: time).methods
            + WalletHandlers(engine: engine, logger: logger).methods
            + TaskHandlers(
                engine: engine, gate: gate, time: time, showsCanceledAsDisabled: showsCanceledAsDisabled,
                validator: validator
            ).methods
            + WithdrawHandlers(engine: engine, time: time, logger: logger).methods
            + SecretHandlers(engine: engine, time: time).methods
            + ImmediateHandlers(engine: engine, validator: validator).methods
            + InformationHandlers(engine: engine, validator: validator, logger: logger).methods
            + ExecutionHandlers(engine: engine, time: time).methods
            + NodeHandlers(
                engine: engine, authentication: operators, aliases: aliases, gate: gate, time: time, logger: logger
            ).methods
        // Of two methods with one path the later wins.
        return (Self.notBuilt + built + health.methods + (reflection?.methods ?? [])).map { $0.withOrigin() }
    }

    /// Every method of the schema, answering that it is not built yet.
    private static var notBuilt: [RPCMethod] {
        (Wire.AggregatorMethods.all + Wire.NodeMethods.all).map { method in
            let path = MethodPath(service: method.service, method: method.name)
            return RPCMethod(path, .unary, handler: .unary { _, _ in
                throw RPCStatus(.unimplemented, "\(method.service)/\(method.name) is not built yet")
            })
        }
    }
}
