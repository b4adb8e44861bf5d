public import AVSEthereum
public import AVSModel
public import AVSOperator
public import AVSPrimitives

/// The event triggers of one chain that an operator watches. A value.
///
/// - Source: aggregator-api 6.14; execution-engine 4.5.6.
public struct EventWatch: Sendable {
    /// Queries of one task that are looked at; the aggregator accepts fewer.
    static let queriesPerTask = 64

    private struct Watched {
        var queries: [EventQueryPlan]
        var cooldown: Duration
        var startAt: Timestamp?
        /// Blocks up to this one were there before we were told to watch; nil until the newest one is known.
        var since: UInt64?
    }

    private let defaultLimit: UInt32
    private var tasks: [TaskID: Watched] = [:]
    /// Tasks by the signature that a log must have; under nil those that take any.
    private var bySignature: [Hash32?: Set<TaskID>] = [:]
    /// What ``wanted()`` found, until a task changes.
    private var filter: LogFilter??

    /// - Parameter defaultLimit: logs of one block that may match a query which names no limit of its own.
    public init(defaultLimit: UInt32 = 500) { self.defaultLimit = defaultLimit }

    public var isEmpty: Bool { tasks.isEmpty }
    public var count: Int { tasks.count }

    /// Watches a task, in place of what was watched for it.
    ///
    /// - Parameter since: the newest block, if the task is new to us: it reports only logs of later ones. Nil waits for
    ///   ``settle(since:)``.
    /// - Returns: which queries cannot be watched, and why; the rest is watched.
    @discardableResult
    public mutating func watch(_ check: TaskCheck, since: UInt64?) -> [String] {
        let since = tasks[check.taskID]?.since ?? since
        stop(check.taskID)
        guard case .event(let trigger) = check.trigger.config else {
            return ["a \(check.trigger.kind) trigger has no queries"]
        }
        var problems: [String] = []
        var queries: [EventQueryPlan] = []
        for (index, query) in trigger.queries.prefix(Self.queriesPerTask).enumerated() {
            do {
                queries.append(try EventQueryPlan(query, index: index, defaultLimit: defaultLimit))
            } catch {
                problems.append("query \(index): \(error)")
            }
        }
        guard !queries.isEmpty else { return problems.isEmpty ? ["there are no queries"] : problems }
        let cooldown = Duration.seconds(Int64(trigger.cooldownSeconds ?? EventTrigger.defaultCooldownSeconds))
        tasks[check.taskID] = Watched(queries: queries, cooldown: cooldown, startAt: check.startAt, since: since)
        for query in queries { insert(check.taskID, under: query.filter) }
        return problems
    }

    public mutating func stop(_ id: TaskID) {
        guard let watched = tasks.removeValue(forKey: id) else { return }
        filter = nil
        for query in watched.queries {
            for signature in Self.signatures(query.filter) {
                bySignature[signature]?.remove(id)
                if bySignature[signature]?.isEmpty == true { bySignature[signature] = nil }
            }
        }
    }

    /// The newest block is known now: tasks that were told before report later ones.
    public mutating func settle(since head: UInt64) {
        for id in tasks.keys where tasks[id]?.since == nil { tasks[id]?.since = head }
    }

    private mutating func insert(_ id: TaskID, under filter: LogFilter) {
        self.filter = nil
        for signature in Self.signatures(filter) { bySignature[signature, default: []].insert(id) }
    }

    private static func signatures(_ filter: LogFilter) -> [Hash32?] {
        guard let first = filter.topics.first, let wanted = first else { return [nil] }
        return wanted.map { Optional($0) }
    }

    // MARK: What to ask

    /// What to ask a node for, so that every watched log is in the answer; nil if nothing is watched.
    public mutating func wanted() -> LogFilter? {
        if let filter { return filter }
        let union = LogFilter.union(of: filters)
        filter = .some(union)
        return union
    }

    /// The distinct filters of all queries: one for each list of topics, with the addresses of all queries that have
    /// it.
    var filters: [LogFilter] {
        var addressesByTopics: [[Set<Hash32>?]: Set<Address>] = [:]
        var anywhere: Set<[Set<Hash32>?]> = []
        for query in tasks.values.flatMap(\.queries) {
            if query.filter.addresses.isEmpty {
                anywhere.insert(query.filter.topics)
            } else {
                addressesByTopics[query.filter.topics, default: []].formUnion(query.filter.addresses)
            }
        }
        let somewhere = addressesByTopics.filter { !anywhere.contains($0.key) }
        return anywhere.map { LogFilter(topics: $0) }
            + somewhere.map { LogFilter(addresses: $0.value.sorted(), topics: $0.key) }
    }

    // MARK: What the answers mean

    /// What a block brought.
    public struct Verdict: Sendable {
        public var fired: [EventMatch] = []
        /// One for each task of which a query matched more logs than it may (DEFECT-36).
        public var overloads: [EventOverload] = []
        /// Tasks whose cooldown began.
        public var rests: [TaskID: Timestamp] = [:]
    }

    /// Judges the logs of one block.
    ///
    /// - Parameters:
    ///   - logs: in any order; what a node repeats or has taken back is passed over (DEFECT-37).
    ///   - memory: to be kept if and only if the verdict becomes durable.
    public func judge(
        _ logs: [EventLog], inBlock number: UInt64, _ memory: inout EventMemory, at now: Timestamp
    ) -> Verdict {
        var indexes: Set<UInt64> = []
        let logs = logs.filter { !$0.removed && indexes.insert($0.logIndex).inserted }
            .sorted { $0.logIndex < $1.logIndex }
        let matches = matches(logs, inBlock: number, at: now)
        let occurrences = matches.isEmpty ? [:] : LogOccurrence.all(in: logs)
        var verdict = Verdict()
        for (id, found) in matches.sorted(by: { $0.key < $1.key }) {
            guard let watched = tasks[id] else { continue }
            if let overload = Self.overload(id, found, block: number) { verdict.overloads.append(overload) }
            for match in Self.events(id, found) {
                guard let occurrence = occurrences[match.log.logIndex] else { continue }
                let report = EventMemory.Report(taskID: id, occurrence: occurrence)
                guard !memory.hasReported(report) else { continue }
                guard memory.begin(id, cooldown: watched.cooldown, at: now) else { break }
                memory.note(report)
                if watched.cooldown > .zero { verdict.rests[id] = now }
                verdict.fired.append(match)
            }
        }
        return verdict
    }

    private struct Match {
        var query: EventQueryPlan
        var log: EventLog
    }

    /// The logs of one block by task, each with the first query that it matches.
    private func matches(_ logs: [EventLog], inBlock number: UInt64, at now: Timestamp) -> [TaskID: [Match]] {
        var found: [TaskID: [Match]] = [:]
        for log in logs {
            var candidates = bySignature[nil] ?? []
            if let signature = log.topics.first { candidates.formUnion(bySignature[signature] ?? []) }
            for id in candidates {
                guard let watched = tasks[id], let since = watched.since, number > since else { continue }
                if let startAt = watched.startAt, now < startAt { continue }
                guard let query = watched.queries.first(where: { $0.filter.matches(log) }) else { continue }
                found[id, default: []].append(Match(query: query, log: log))
            }
        }
        return found
    }

    /// The first query that is over its limit, whose surplus is dropped for this task and for no other (DEFECT-36).
    private static func overload(_ id: TaskID, _ matches: [Match], block: UInt64) -> EventOverload? {
        let byQuery = Dictionary(grouping: matches, by: \.query.index)
        for (index, matches) in byQuery.sorted(by: { $0.key < $1.key }) {
            guard let limit = matches.first?.query.limit, matches.count > limit else { continue }
            return EventOverload(
                taskID: id, blockNumber: block, eventCount: UInt32(clamping: matches.count), limit: limit,
                queryIndex: index)
        }
        return nil
    }

    /// The logs within the limits whose conditions hold, lazily: behind the first one the cooldown may end the walk.
    private static func events(_ id: TaskID, _ matches: [Match]) -> some Sequence<EventMatch> {
        var counts: [Int: UInt32] = [:]
        let within = matches.filter { match in
            counts[match.query.index, default: 0] += 1
            return counts[match.query.index, default: 0] <= match.query.limit
        }
        return within.lazy.compactMap { match in
            match.query.read(match.log).map {
                EventMatch(taskID: id, report: $0, query: match.query)
            }
        }
    }
}

/// A log for which a task's trigger holds.
public struct EventMatch: Sendable {
    public var taskID: TaskID
    public var report: EventReport
    var query: EventQueryPlan

    public var log: EventLog { report.log }
    /// The decoded event, or the raw log where the task has no ABI.
    public var data: JSONValue { report.json }
}
