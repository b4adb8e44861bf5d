public import AVSModel
public import AVSPrimitives

/// The checks of a new task that need neither a store nor a chain, in the order in which clients see them.
///
/// - Source: aggregator-api.md 2.8, *CreateTask* rows 1 to 13 and 17; execution-engine.md 1.2; reliability-security.md
///   4.2.
public struct TaskValidator: Sendable {
    /// Limits on the shape of one task. Beyond them a task costs more than it can be meant to.
    public struct Limits: Hashable, Sendable {
        public var nodes = 1_000
        public var edges = 4_000
        /// Arrays and objects inside each other, in any JSON of the task.
        public var nesting = 50
        public var schedules = 10
        /// Per event query.
        public var addresses = 100
        public var topics = 4
        public var conditions = 50
        /// In bytes of JSON text, per event query: all entries, and one of them.
        public var contractABIBytes = 1_048_576
        public var contractABIItemBytes = 102_400

        public init() {}
    }

    /// A task with an end must have so much of its life before it.
    public static let shortestLife: Duration = .seconds(3600)

    /// The longest time that a task may give its runs (XO-21).
    public static let longestExecutionSeconds: UInt32 = 86_400

    public var limits: Limits

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// - Returns: The draft with the templates of its event queries replaced.
    /// - Throws: ``InvalidArgument`` for the first check that fails.
    public func check(_ draft: TaskDraft, now: Timestamp) throws(InvalidArgument) -> CheckedDraft {
        try Self.checkExpiry(draft.expiredAt, now: now)
        try checkCounts(draft)
        let inputVariables = Self.inputVariables(of: draft)
        let settings: TaskSettings
        do throws(InvalidArgument) {
            settings = try TaskSettings(inputVariables: inputVariables)
        } catch {
            throw InvalidArgument(error.code, "invalid task argument: \(error.message)")
        }
        guard let trigger = draft.trigger else {
            throw InvalidArgument(.invalidTriggerConfig, "Invalid task argument: trigger is required")
        }
        guard draft.maxExecution >= 0 else {
            throw InvalidArgument(
                .invalidRequest, "Invalid task argument: maxExecution must not be negative, got \(draft.maxExecution)")
        }
        guard draft.executionDeadlineSeconds <= Self.longestExecutionSeconds else {
            throw InvalidArgument(
                .invalidRequest,
                "Invalid task argument: executionDeadlineSeconds must be at most \(Self.longestExecutionSeconds),"
                    + " got \(draft.executionDeadlineSeconds)")
        }
        try checkNames(trigger: trigger, nodes: draft.nodes)
        try TriggerRules(limits: limits).check(trigger.config)
        let resolved = try EventTemplates.resolve(trigger, inputVariables: inputVariables)
        try checkGraph(trigger: trigger, nodes: draft.nodes, edges: draft.edges)
        try checkNesting(trigger: trigger, nodes: draft.nodes, inputVariables: draft.inputVariables)
        try Self.checkRetries(of: draft.nodes)
        return CheckedDraft(draft, settings: settings, trigger: resolved, inputVariables: inputVariables)
    }

    // MARK: Rows 1 to 3

    private static func checkExpiry(_ expiredAt: Timestamp?, now: Timestamp) throws(InvalidArgument) {
        guard let expiredAt, expiredAt.milliseconds > 0 else { return }
        let left = expiredAt.duration(since: Timestamp(seconds: now.seconds))
        guard left < shortestLife else { return }
        throw InvalidArgument(
            .invalidRequest,
            "task expiration date is too close to current time. The task must expire at least 1 hour from now."
                + " Current remaining time: \(minutes(left)) minutes")
    }

    /// With one digit behind the point, rounded towards zero.
    private static func minutes(_ duration: Duration) -> String {
        let tenths = duration.components.seconds / 6
        return "\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
    }

    private func checkCounts(_ draft: TaskDraft) throws(InvalidArgument) {
        guard !draft.edges.isEmpty else {
            throw InvalidArgument(.invalidWorkflow, "invalid: edges field cannot be an empty array")
        }
        guard !draft.nodes.isEmpty else {
            throw InvalidArgument(.invalidWorkflow, "invalid: nodes field cannot be an empty array")
        }
        try checkLimits(nodes: draft.nodes.count, edges: draft.edges.count)
    }

    /// - Throws: ``InvalidArgument`` 3003 for more nodes or edges than one task may have.
    public func checkLimits(nodes: Int, edges: Int) throws(InvalidArgument) {
        guard nodes <= limits.nodes else {
            throw Self.graphRefusal("task has \(nodes) nodes, at most \(limits.nodes) are allowed")
        }
        guard edges <= limits.edges else {
            throw Self.graphRefusal("task has \(edges) edges, at most \(limits.edges) are allowed")
        }
    }

    /// What no run may cost, of a task that may be without edges.
    func checkSize(
        trigger: Trigger, nodes: [Node], edges: [Edge], inputVariables: [String: JSONValue]
    ) throws(InvalidArgument) {
        try Self.checkRetries(of: nodes)
        try checkLimits(nodes: nodes.count, edges: edges.count)
        try checkGraph(trigger: trigger, nodes: nodes, edges: edges)
        try checkNesting(trigger: trigger, nodes: nodes, inputVariables: inputVariables)
    }

    private static func graphRefusal(_ text: String) -> InvalidArgument {
        InvalidArgument(.invalidWorkflow, "Invalid task argument: \(text)")
    }

    // MARK: Rows 4 to 11

    /// Older clients name the task and its wallet outside `settings`; both have to be there (D-11).
    private static func inputVariables(of draft: TaskDraft) -> [String: JSONValue] {
        guard draft.inputVariables["settings"] == nil, !draft.legacyName.isEmpty, !draft.legacyWallet.isEmpty else {
            return draft.inputVariables
        }
        var variables = draft.inputVariables
        variables["settings"] = ["name": .string(draft.legacyName), "runner": .string(draft.legacyWallet)]
        return variables
    }

    func checkNames(trigger: Trigger, nodes: [Node]) throws(InvalidArgument) {
        if !trigger.name.isEmpty, let why = Identifier.refusal(of: trigger.name) {
            throw InvalidArgument(
                .invalidTriggerConfig, "Invalid task argument: trigger name validation failed: \(why)")
        }
        for node in nodes {
            if let why = Identifier.refusal(of: node.name) {
                throw InvalidArgument(
                    .invalidNodeConfig,
                    "Invalid task argument: node '\(node.id.excerpt())' validation failed: \(why)")
            }
        }
    }

    private static func checkRetries(of nodes: [Node]) throws(InvalidArgument) {
        for node in nodes {
            if let why = node.refusal {
                throw InvalidArgument(
                    .invalidNodeConfig, "Invalid task argument: node '\(node.id.excerpt())' validation failed: \(why)")
            }
        }
    }

    // MARK: The graph

    /// What cannot work in any run: duplicate ids and cycles. Everything else about a graph is left to the run's plan,
    /// as clients are used to (execution-engine.md 1.2, *CHOICE*).
    private func checkGraph(trigger: Trigger, nodes: [Node], edges: [Edge]) throws(InvalidArgument) {
        do throws(PlanError) {
            try Plan.checkForCycles(trigger: trigger, nodes: nodes, edges: edges)
        } catch {
            throw Self.graphRefusal("\(error)")
        }
    }

    private func checkNesting(
        trigger: Trigger, nodes: [Node], inputVariables: [String: JSONValue]
    ) throws(InvalidArgument) {
        for (name, value) in inputVariables where value.depth > limits.nesting {
            throw tooDeep("input variable '\(name.excerpt())'")
        }
        for node in nodes where NodeShape.config(of: node).depth > limits.nesting {
            throw tooDeep("configuration of node '\(node.id.excerpt())'")
        }
        if TriggerShape.config(of: trigger).depth > limits.nesting { throw tooDeep("configuration of the trigger") }
    }

    private func tooDeep(_ what: String) -> InvalidArgument {
        InvalidArgument(
            .invalidRequest,
            "Invalid task argument: \(what) is nested deeper than the \(limits.nesting) levels that are allowed")
    }
}

extension JSONValue {
    /// Arrays and objects inside each other; 0 for anything else. Values of the wire and of parsed text are at most 64
    /// deep, so the recursion is.
    var depth: Int {
        switch self {
        case .array(let elements): 1 + (elements.lazy.map(\.depth).max() ?? 0)
        case .object(let members): 1 + (members.values.lazy.map(\.depth).max() ?? 0)
        case .null, .bool, .number, .string: 0
        }
    }
}
