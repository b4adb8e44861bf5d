import AVSPrimitives
import AVSScriptFrames
import CSandbox
import Glibc

/// The thread of a worker that evaluates: warms the engine up, closes the last layer, then answers requests.
struct WorkerServer: Sendable {
    let arguments: WorkerArguments
    let lodash: [UInt8]
    var layers: Layers
    let watchdog: Watchdog
    let clock: WorkerClock

    func serve() -> Never {
        do throws(ScriptFrameError) {
            let engine = try ScriptEngine(modules: modules, clock: clock)
            try warmUp(engine)
            var layers = layers
            layers.put(.calls, CSandbox_filterCalls(arguments.hasJIT ? 1 : 0))
            if layers.standing.contains(.files) || layers.standing.contains(.calls), CSandbox_opensFiles() != 0 {
                throw ScriptFrameError("a file could be opened although the sandbox forbids it")
            }
            ScriptWorker.write(WorkerGreeting(layers: layers.standing, missing: layers.missing).body)
            while true {
                engine.prepare()
                guard let body = try ScriptWorker.readFrame() else { _exit(0) }
                ScriptWorker.write(try answer(body, by: engine))
            }
        } catch {
            ScriptWorker.write(WorkerGreeting(error: error.description).body)
            _exit(WorkerExit.start.rawValue)
        }
    }

    private var modules: [String: [UInt8]] {
        let head = Array("(function (module, exports, require) {".utf8)
        return [
            "lodash": head + lodash + Array("\n})".utf8), "uuid": PackageResources.uuid_js,
            "dayjs": PackageResources.dayjs_js,
        ]
    }

    /// What the engine starts on first use, before files and threads are forbidden (JS-2); and the self-test: what
    /// stands around a script must stand. What few scripts use is not warmed: a busy aggregator starts workers often.
    private func warmUp(_ engine: ScriptEngine) throws(ScriptFrameError) {
        let source = """
            for (let i = 0; i < 50; i++) JSON.parse(JSON.stringify({i, s: [new Date(i)]}));
            return [
                typeof WebAssembly, typeof Atomics, typeof SharedArrayBuffer, Object.isFrozen(Object.prototype),
            ].join();
            """
        let request = ScriptRequest(
            .program(source: source, isBody: true), variables: Array("{}".utf8), timeLimitMilliseconds: 10_000)
        let result = engine.answer(request).results.first.map { String(decoding: $0, as: UTF8.self) }
        let wanted = #"{"t":"j","v":"undefined,undefined,undefined,true"}"#
        guard result == wanted else { throw ScriptFrameError("the engine's first script gave \(result ?? "nothing")") }
        engine.collectGarbage()
    }

    private func answer(_ body: [UInt8], by engine: ScriptEngine) throws(ScriptFrameError) -> [UInt8] {
        let request: ScriptRequest
        do throws(ScriptFrameError) {
            request = try ScriptRequest(body: body)
        } catch {
            _exit(WorkerExit.protocolError.rawValue)
        }
        let seconds = UInt(request.timeLimitMilliseconds / 1_000 + 2)
        _ = CSandbox_allowProcessorTime(seconds)
        watchdog.begin(.milliseconds(request.timeLimitMilliseconds))
        let (results, console) = engine.answer(request)
        watchdog.end()
        return Self.body(results, console, resident: watchdog.residentBytes ?? 0)
    }

    /// Results that no longer fit become errors.
    private static func body(_ results: [[UInt8]], _ console: [String], resident: Int) -> [UInt8] {
        var body = Array(#"{"results":["#.utf8)
        let tooLarge = ScriptEngine.error("output too large: the results of all expressions together")
        for (index, result) in results.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body += body.count + result.count > ScriptFrame.answerLimitBytes / 2 ? tooLarge : result
        }
        body += Array(#"],"console":"#.utf8) + JSONValue.array(console.map(JSONValue.string)).serializedBytes
        body += Array(#","resident":\#(resident)}"#.utf8)
        return body
    }
}
