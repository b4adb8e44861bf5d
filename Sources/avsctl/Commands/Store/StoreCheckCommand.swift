import AVSCrypto
import AVSEngine
import AVSInspection
import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSStorage
import AVSTransport
import ArgumentParser

/// `avsctl store check`
struct StoreCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Reads every row and checks it against the rows that it speaks of.",
        discussion: """
            Checks that each row can be decoded, and of the invariants all that the files of one moment can show: I1 \
            (a task is under one status and its index agrees), I2 and I3 (what was accepted led to one execution), I4 \
            (a run is awaited or over), I5 (indexes are unique), I6 (no more runs promised than allowed), I7 (jobs, \
            claims and promises belong together), I8 (a wallet has one operation under way), I10 (records name the \
            owners of their keys), I11 (no claim of a later start) and I14 (no key outside the tables, of a task that \
            is gone, or wrongly counted); that every secret is sealed (KMS-4), and, where the root keys are given by \
            --keys-dir or by the configuration, that it opens (KMS-1).

            Prints one line per finding: rule, key, problem. With --json that is {"rule", "key", "problem"}, and a \
            last line {"summary": {"rows", "findings", "by_rule", "secrets_opened"}}. Ends with 65 if there is any \
            finding.

            It writes nothing. --repair also shows what would put rows right where that follows from other rows: one \
            line each, with --json {"repair", "key", "changes"}. Only with --yes as well is that done, to the files of \
            a stopped server and in one batch with an entry of the audit log, and the database checked again; make a \
            backup first. What is not proposed is for a person, or for the aggregator's next start.
            Examples:
              avsctl store check --config aggregator.yaml
              avsctl store check --config aggregator.yaml --repair
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var keys: KeysOptions

    @Flag(name: .long, help: "Show what would put the rows right.")
    var repair = false

    @Flag(name: .long, help: "With --repair: do it.")
    var yes = false

    func validate() throws {
        if yes, !repair { throw ValidationError("--yes is for --repair.") }
    }

    func run() async throws {
        let probe = try secretProbe()
        let found = try report(probe)
        guard found.summary.findings > 0 else { return }
        guard repair else { throw Failure(.damaged, "the database breaks its rules") }
        guard yes else {
            let rest = found.steps.isEmpty ? "there is nothing to propose" : "repeat with --yes to do this"
            throw Failure(.damaged, "nothing was written; \(rest)")
        }
        try await apply(found.steps)
        let left = try report(probe, isAfter: true)
        if left.summary.findings > 0 { throw Failure(.damaged, "the database still breaks its rules") }
    }

    private struct Report {
        var summary = CheckSummary()
        var steps: [RepairStep] = []
    }

    /// One pass: its findings and, if asked for, its plan are printed.
    private func report(_ probe: SecretProbe?, isAfter: Bool = false) throws -> Report {
        let report = try store.withDatabase { (database: RocksDBInspector) throws -> Report in
            try self.pass(over: database, probe, showsPlan: repair && !isAfter)
        }
        let summary = report.summary
        let opened =
            probe == nil
            ? "; secrets were not opened: no root keys were given" : ", \(summary.secretsOpened) secrets opened"
        Note.write("\(summary.rows) rows, \(summary.findings) findings\(opened)")
        return report
    }

    private func pass(over database: RocksDBInspector, _ probe: SecretProbe?, showsPlan: Bool) throws -> Report {
        let printer = store.output.printer()
        var openSecret: (@Sendable ([UInt8], [UInt8]) -> String?)?
        if let probe { openSecret = { probe.problem(key: $0, value: $1) } }
        var check = StoreCheck(openSecret: openSecret)
        var output = ResultWriter()
        var steps = RepairSteps()
        var cursor: [UInt8]?
        repeat {
            cursor = try database.read { snapshot in
                var found: [StoreFinding] = []
                let next = try check.check(after: cursor, in: snapshot) { found.append($0) }
                for finding in found {
                    try output.line(printer.finding(finding))
                    if showsPlan { steps.add(try RepairStep(for: finding.key, in: snapshot)) }
                }
                return next
            }
        } while cursor != nil
        for step in steps.all { try output.line(printer.step(step)) }
        if store.output.json { try output.line(check.summary.json) }
        try output.finish()
        return Report(summary: check.summary, steps: steps.all)
    }

    private func apply(_ steps: [RepairStep]) async throws {
        guard !steps.isEmpty else { return }
        let database = try RocksDBStore.open(
            path: try store.databasePath(),
            options: RocksDBOptions(onFatal: { Note.write("the store failed: \($0.reason)") }))
        var random = SecureRandom()
        let entry = AuditDraft(at: SystemTime().now, using: &random)
        do {
            let done = try await database.update { transaction in
                var done = 0
                for step in steps where try transaction.apply(step) { done += 1 }
                guard done > 0 else { return done }
                let act = AdminAct(by: .user, action: "store.repair", object: "\(done) rows")
                try transaction.record(act, entry)
                return done
            }
            Note.write("\(done) of \(steps.count) rows were put right")
            await database.close()
        } catch {
            await database.close()
            throw error
        }
    }

    /// Nil where nobody said where the keys are.
    private func secretProbe() throws -> SecretProbe? {
        guard keys.keysDir != nil || store.config != nil else { return nil }
        var random = SecureRandom()
        let found = try keys.rootKeys(store.config, using: &random)
        return found.isEmpty ? nil : SecretProbe(RootKeys(found))
    }
}

/// The steps of a plan: a row has one, and two rows may ask for the same change. At most as many as fit one batch.
private struct RepairSteps {
    private static let countMax = 10_000
    private(set) var all: [RepairStep] = []
    private var changes: Set<[RepairStep.Change]> = []

    mutating func add(_ step: RepairStep?) {
        guard let step, all.count < Self.countMax, changes.insert(step.changes).inserted else { return }
        all.append(step)
    }
}

extension CheckSummary {
    var json: String {
        let fields: JSONValue = [
            "rows": .number(Double(rows)), "findings": .number(Double(findings)),
            "by_rule": .object(findingsByRule.mapValues { .number(Double($0)) }),
            "secrets_opened": .number(Double(secretsOpened)),
        ]
        return JSONValue.object(["summary": fields]).serialized
    }
}
