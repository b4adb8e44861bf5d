import AVSPrimitives
import AVSScriptFrames
import AVSTransport
import AVSWorkflow
import Foundation
import Logging
import Testing

@testable import AVSScript

@Suite("A pool of script workers", .serialized)
struct ScriptPoolTests {
    @Test("evaluates expressions, each by itself, and those without JavaScript at once")
    func expressions() async throws {
        try await Workers.with { pool in
            let scripts = pool.serving(Workers.alice)
            let variables: [String: JSONValue] = [
                "a": ["n": 3, "s": "x", "wei": "90071992547409931"], "list": [["k": 1], ["k": 2]],
            ]
            let rows: [(String, ScriptResult)] = [
                ("a.n > 2", .success(.json(true))), ("a.n * 2", .success(.json(6))),
                ("BigInt(a.wei) + 1n", .success(.bigInt("90071992547409932"))),
                ("new Date(5)", .success(.date(Timestamp(milliseconds: 5)))), ("a.missing?.x", .success(.undefined)),
                ("list.find(e => e.k === 2).k", .success(.json(2))),
                ("a.s.toUpperCase()", .success(.json("X"))),
                ("typeof console + typeof require + typeof toBigInt", .success(.json("undefinedundefinedundefined"))),
                ("nope.x", .failure(.thrown("ReferenceError: nope is not defined"))),
                ("globalThis.planted = 1", .success(.json(1))),
                ("typeof planted + 1", .success(.json("undefined1"))), ("this[\"a\"].n + 1", .success(.json(4))),
                ("() => 1", .success(.undefined)),
            ]
            let results = await scripts.evaluate(rows.map(\.0), variables: variables)
            for (row, result) in zip(rows, results) { #expect(result == row.1, "\(row.0)") }
            #expect(results.count == rows.count && pool.statistics.answered == 1)
            _ = await scripts.evaluate(["a.n > 2", "a.s === 'x'"], variables: variables)
            #expect(pool.statistics.answered == 1, "no worker was asked")
            if case .success(.json(.number(let number)))? = await scripts.evaluate(["0 * 1 / 0"], variables: [:]).first
            {
                #expect(number.isNaN)
            } else {
                Issue.record("not a number")
            }
        }
    }

    @Test("EE-NF5 calls a function for each element, and an error is that element's")
    func calls() async throws {
        try await Workers.with { pool in
            let scripts = pool.serving(Workers.alice)
            let people: [[JSONValue]] = [[["name": "Ann"], 0], [[:], 1], [["name": "Bob"], 2]]
            var function = ScriptFunction(
                parameters: ["value", "index"], body: "value.name.startsWith(first) || index === 2")
            let results = try await scripts.call(function, with: people, variables: ["first": "A"]).get()
            #expect(results.count == 3 && results[0] == .success(.json(true)) && results[2] == .success(.json(true)))
            if case .failure(.thrown(let text)) = results[1] {
                #expect(text.hasPrefix("TypeError"))
            } else {
                Issue.record("no error")
            }
            function.body = "value.age >>>>> 18"
            let broken = await scripts.call(function, with: people, variables: [:])
            if case .failure(.thrown(let text)) = broken {
                #expect(text.hasPrefix("SyntaxError"))
            } else {
                Issue.record("no error")
            }
            let statements = ScriptFunction(
                parameters: ["v"], body: "if (v > 1) { return [v].length } return 0", isExpression: false)
            let counted = try await scripts.call(statements, with: [[1], [2]], variables: [:]).get()
            #expect(counted == [.success(.json(0)), .success(.json(1))])
        }
    }

    @Test("JS-2 stands behind every layer that this machine allows, and does not start without one that is required")
    func layers() async throws {
        let process = try WorkerProcess.start(Workers.settings, time: SystemTime())
        let greeting = try process.greeting(until: .now + .seconds(60))
        let all = WorkerGreeting.Layer.allCases
        #expect(
            greeting.layers + all.filter { greeting.missing[$0.rawValue] != nil } == all || !greeting.missing.isEmpty)
        #expect(
            greeting.layers.contains(.limits) && greeting.layers.contains(.hardening)
                && greeting.layers.contains(.calls))
        var settings = Workers.settings
        settings.requiresSandbox = true
        if greeting.missing.isEmpty {
            try await ScriptPool.start(settings, time: SystemTime(), logger: Logger(label: "test")).close()
        } else {
            await #expect(throws: ScriptPoolError.missingLayers(greeting.missing)) {
                try await ScriptPool.start(settings, time: SystemTime(), logger: Logger(label: "test"))
            }
        }
    }

    @Test("JS-2 whose workers see no files, and no processes but their own, from outside")
    func outside() async throws {
        let process = try WorkerProcess.start(Workers.settings, time: SystemTime())
        _ = try process.greeting(until: .now + .seconds(60))
        let id = try #require(process.processID)
        let status = try String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
        // Where the kernel gives no pid namespace, the process is the worker itself.
        let worker = children(of: id).first ?? "\(id)"
        // Only root sees what a process holds that cannot be dumped.
        if geteuid() == 0 {
            // Its socket, its memory's statistics, the source of chance, and counters to wait for.
            for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(worker)/fd") {
                let file = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(worker)/fd/\(name)")
                let isKnown = file.hasPrefix("socket:") || file.hasPrefix("anon_inode:") || file == "/dev/urandom"
                #expect(isKnown || file.hasSuffix("/statm"), "\(file)")
            }
        }
        let inner = try String(contentsOfFile: "/proc/\(worker)/status", encoding: .utf8)
        #expect(
            inner.contains("NoNewPrivs:\t1") && inner.contains("Seccomp:\t2") && status.contains("Name:\tavs-script"))
        #expect(
            try String(contentsOfFile: "/proc/\(worker)/limits", encoding: .utf8).contains(
                "Max open files            16 "))
        process.kill()
        for _ in 0..<500 where FileManager.default.fileExists(atPath: "/proc/\(worker)/fd") { usleep(10_000) }
        #expect(!FileManager.default.fileExists(atPath: "/proc/\(worker)/fd"))
    }

    @Test("JS-7 has no memory that is both writable and executable: the engine compiles nothing")
    func interpreted() async throws {
        #expect(!Workers.settings.hasJIT && Workers.settings.environment.contains("JSC_useJIT=0"))
        let process = try WorkerProcess.start(Workers.settings, time: SystemTime())
        _ = try process.greeting(until: .now + .seconds(60))
        let id = try #require(process.processID)
        guard geteuid() == 0 else { return }  // only root may look
        let file = try #require(FileHandle(forReadingAtPath: "/proc/\(children(of: id).first ?? "\(id)")/maps"))
        let maps = String(decoding: file.readDataToEndOfFile(), as: UTF8.self)
        #expect(maps.contains("libjavascriptcore") && !maps.contains(" rwx"))
    }

    @Test("JS-1 whose worker refuses to work with a descriptor too many, or without its arguments")
    func descriptors() throws {
        for (arguments, fragment) in [
            (["\(128 << 20)", Workers.settings.lodash, "nojit"], "descriptors are open"),
            ([], "started by avs-aggregator only"),
            (["1", "x", "jit"], "started by avs-aggregator only"),
        ] {
            var ends: [Int32] = [-1, -1]
            #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            let process = Process()
            process.executableURL = URL(filePath: Workers.executable)
            process.arguments = arguments
            process.standardInput = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
            try process.run()
            process.waitUntilExit()
            let said = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).availableData
            #expect(process.terminationStatus == WorkerExit.start.rawValue)
            #expect(String(decoding: said, as: UTF8.self).contains(fragment))
        }
    }

    @Test("says what is missing when it cannot start")
    func missing() async throws {
        var settings = ScriptPoolSettings(executable: "/nonexistent/avs-script-worker")
        await #expect(throws: ScriptPoolError.cannotStart("/nonexistent/avs-script-worker: No such file or directory"))
        {
            try await ScriptPool.start(settings, time: SystemTime(), logger: Logger(label: "test"))
        }
        settings = Workers.settings
        settings.lodash = "/nonexistent/lodash.js"
        await #expect(throws: ScriptPoolError.self) {
            try await ScriptPool.start(settings, time: SystemTime(), logger: Logger(label: "test"))
        }
    }

    @Test("JS-3 replaces a worker after its share of scripts and after idleness")
    func recycling() async throws {
        try await Workers.with({ $0.scriptsPerWorker = 3; $0.spares = 0; $0.idleLimit = .milliseconds(1) }) { pool in
            for _ in 0..<7 { #expect(await pool.value(of: "return 1") == 1) }
            #expect(pool.statistics.started >= 3)
            for _ in 0..<1_000 where pool.statistics.processes > 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(pool.statistics.processes == 0)
            #expect(await pool.value(of: "return 2") == 2)
        }
    }

    @Test("starts one spare process at a time, and none without room")
    func spares() {
        var settings = Workers.settings
        settings.spares = 2
        var state = ScriptPool.State(queue: ScriptQueue(limit: 1, perOwner: 1))
        let now = ContinuousClock.now
        #expect(state.shouldStartSpare(settings, at: now))
        state.nextSpare = now + ScriptPoolSettings.spareInterval
        #expect(!state.shouldStartSpare(settings, at: now), "the last start is not over")
        #expect(state.missingSpares(settings) == 2, "they are not forgotten")
        #expect(state.shouldStartSpare(settings, at: now + ScriptPoolSettings.spareInterval))
        settings.spares = 0
        #expect(!state.shouldStartSpare(settings, at: now + .seconds(1)))
    }

    @Test("JS-9 goes on when all workers are killed from outside: that step alone fails")
    func killed() async throws {
        try await Workers.with { pool in
            async let running = pool.run("for (;;) {}")
            for _ in 0..<2_000 where pool.statistics.running == 0 { try await Task.sleep(for: .milliseconds(5)) }
            try await Task.sleep(for: .milliseconds(50))
            for process in pool.processes {
                if let id = process.processID { kill(id, SIGKILL) }
            }
            #expect(await running.result == .failure(.limit("script worker failed")))
            #expect(await pool.value(of: "return 1") == 1)
        }
    }

    @Test("OVL-11 ends a script whose caller goes away, waiting or running")
    func cancellation() async throws {
        try await Workers.with({ $0.workers = 1 }) { pool in
            let running = Task { await pool.run("for (;;) {}") }
            for _ in 0..<2_000 where pool.statistics.running == 0 { try await Task.sleep(for: .milliseconds(5)) }
            let waiting = Task { await pool.run("return 1") }
            for _ in 0..<2_000 where pool.statistics.waiting == 0 { try await Task.sleep(for: .milliseconds(5)) }
            waiting.cancel()
            #expect(await waiting.value.result == .failure(.limit("cancelled")))
            running.cancel()
            #expect(await running.value.result == .failure(.limit("cancelled")))
            #expect(await pool.value(of: "return 3") == 3)
        }
    }

    @Test("answers overloaded when a script has waited too long, or too many wait")
    func overload() async throws {
        try await Workers.with({
            $0.workers = 1; $0.queueLimit = 1; $0.queueWait = .milliseconds(100); $0.programLimit = .seconds(2)
        }) { pool in
            async let running = pool.run("for (;;) {}")
            for _ in 0..<2_000 where pool.statistics.running == 0 { try await Task.sleep(for: .milliseconds(5)) }
            async let waiting = pool.run("return 1", for: Workers.bob)
            for _ in 0..<2_000 where pool.statistics.waiting == 0 && pool.statistics.failures.isEmpty {
                try await Task.sleep(for: .milliseconds(1))
            }
            _ = await pool.run("return 2", for: Workers.bob)
            #expect(await waiting.result == .failure(.limit("overloaded")))
            #expect(await running.result == .failure(.limit("timeout")))
            #expect(pool.statistics.failures[.overloaded].map { $0 >= 1 } == true && pool.statistics.waiting == 0)
        }
    }

    @Test("refuses variables of more than 4 MiB before a worker sees them (JS-4)")
    func input() async throws {
        try await Workers.with { pool in
            let large: JSONValue = .string(String(repeating: "x", count: 4_194_304))
            let error = await pool.error(of: "return big.length", ["big": large])
            #expect(error?.hasPrefix("input too large") == true)
            let fits: JSONValue = .string(String(repeating: "x", count: 4_194_000))
            #expect(await pool.value(of: "return big.length", ["big": fits]) == 4_194_000)
        }
    }

    @Test("JS-3 runs 10,000 scripts in a row without growing")
    func tenThousand() async throws {
        try await Workers.with { pool in
            _ = await pool.value(of: "return 1")
            let before = try residentBytes()
            for batch in 0..<200 {
                let expressions = (0..<50).map { "[\(batch), \($0)].map(x => x + 1).length" }
                let results = await pool.serving(Workers.alice).evaluate(expressions, variables: ["v": [1, 2, 3]])
                #expect(results == Array(repeating: .success(.json(2)), count: 50))
            }
            #expect(try residentBytes() - before < 32 << 20)
            #expect(pool.statistics.failures == [:] && pool.statistics.processes <= 3)
        }
    }

    private func children(of process: pid_t) -> [String] {
        do {
            let text = try String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
            return text.split(separator: " ").map(String.init)
        } catch {
            return []
        }
    }

    private func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
