public import AVSModel
public import AVSPrimitives

/// All variables of one run: one flat name space that templates and scripts read.
///
/// Built in the order in which a later entry overwrites an earlier one of the same name: `apContext`, `context`, input
/// variables, the trigger's variable, `triggerConfig`, the wallet; then each node as it begins and ends. So does one
/// whose name Unicode holds for the same although its bytes differ: it is then the only one, under its own bytes
/// (INP-1).
///
/// - Source: execution-engine.md 2.
public struct RunVariables: Hashable, Sendable {
    public private(set) var values: [String: JSONValue]

    /// Exactly these, the secrets and the wallet: what an immediate run of one node sees.
    ///
    /// - Parameters:
    ///   - secrets: name to value; they appear under `apContext.configVars`.
    ///   - wallet: for a node that acts on the chain; the caller's `aa_sender` stays where there is none.
    public init(secrets: [String: String], input: [String: JSONValue], wallet: Wallet? = nil) {
        values = ["apContext": ["configVars": .object(secrets.mapValues(JSONValue.string))]]
        overlay(input)
        if let wallet { set(wallet) }
    }

    /// The variables of a task's run before its first node.
    ///
    /// - Parameters:
    ///   - task: as it is while this run is in progress: its count includes it.
    ///   - input: merged over the task's input variables, top-level keys only.
    ///   - triggerOutput: of the trigger's step.
    ///   - salt: of the task's wallet; nil if it is not known.
    public init(
        task: AutomationTask, secrets: [String: String], input: [String: JSONValue], triggerOutput: JSONValue?,
        salt: UInt256?
    ) {
        self.init(secrets: secrets, input: ["context": Self.context(of: task)])
        overlay(task.inputVariables)
        overlay(input)
        let trigger = task.trigger
        values[Identifier.variable(for: trigger.name)] = TriggerShape.variable(of: trigger, output: triggerOutput)
        values["triggerConfig"] = TriggerShape.triggerConfig(of: trigger)
        set(Wallet(address: task.wallet, salt: salt))
    }

    /// The wallet that acts, as the variables `aa_sender` and `aa_salt` show it.
    public struct Wallet: Hashable, Sendable {
        public var address: Address
        /// Nil if it is not known; then there is no `aa_salt`.
        public var salt: UInt256?

        public init(address: Address, salt: UInt256?) {
            self.address = address
            self.salt = salt
        }
    }

    /// Comes last, so that no variable of the user's can pose as the wallet that acts.
    private mutating func set(_ wallet: Wallet) {
        values["aa_sender"] = .string(wallet.address.checksummed)
        values["aa_salt"] = wallet.salt.map { .string($0.description) }
    }

    private mutating func overlay(_ later: [String: JSONValue]) {
        for (name, value) in later { values.put(value, as: name) }
    }

    /// The task's mutable fields. That it is running is true of every run and was never shown: it is enabled.
    private static func context(of task: AutomationTask) -> JSONValue {
        let status = task.status == .running ? TaskStatus.enabled : task.status
        return [
            "status": .string(status.name), "executionCount": .number(Double(task.executionCount)),
            "lastRanAt": .number(Double(task.lastRanAt?.milliseconds ?? 0)),
            "completedAt": .number(Double(task.completedAt?.milliseconds ?? 0)),
        ]
    }

    // MARK: Nodes

    /// The node's variable holds its configuration from now on, and no data.
    public mutating func begin(_ node: Node) {
        values[Identifier.variable(for: node.name, orElse: node.id)] = ["input": NodeShape.input(of: node)]
    }

    /// The node produced `data`. Of an object with a member `data` only that member is kept: so later nodes reach the
    /// body of a REST answer directly (2.4, the unwrapping rule).
    public mutating func finish(_ node: Node, data: JSONValue) {
        values[Identifier.variable(for: node.name, orElse: node.id)] = [
            "input": NodeShape.input(of: node), "data": data["data"] ?? data,
        ]
    }

    // MARK: What a step sees

    /// The names that a step reports as its inputs, sorted (execution-engine.md 2.5).
    public func inputs(of node: Node) -> [String] {
        let own = Identifier.variable(for: node.name, orElse: node.id)
        var names: [String] = []
        for (name, value) in values where name != own && name != "triggerConfig" && !name.hasBytes(of: "_iter_") {
            if name == "apContext" {
                names.append("apContext.configVars")
            } else if case .object(let members) = value {
                names += Self.inputs(name, members)
            } else {
                names.append(name)
            }
        }
        return names.sorted()
    }

    private static func inputs(_ name: String, _ members: [String: JSONValue]) -> [String] {
        guard members["data"] != nil || members["input"] != nil else { return members.isEmpty ? [] : [name] }
        return ["data", "input", "headers", "pathParams"].filter { members[$0] != nil }.map { "\(name).\($0)" }
    }
}

extension [String: JSONValue] {
    /// Gives a variable its value. One whose name Unicode holds for the same is gone then: a plain assignment would
    /// keep the bytes of its name (INP-1).
    mutating func put(_ value: JSONValue, as name: String) {
        if let index = index(forKey: name), !self[index].key.utf8.elementsEqual(name.utf8) { remove(at: index) }
        self[name] = value
    }
}
