import AVSPrimitives
import AVSScriptFrames
import CJavaScriptCore
import CSandbox

/// JavaScriptCore: each script in a fresh context of one group.
///
/// Not `Sendable`: the library allows one thread at a time, and its view of the stack is the one of the thread that
/// made the engine. Contexts hold no functions of ours but one, which writes lines, fills arrays with random bytes and
/// lends modules (JS-5).
@safe final class ScriptEngine {
    private let group: JSContextGroupRef
    private let clock: WorkerClock
    private let hostClass: JSClassRef
    private let driver: EngineScript
    private let guardian: EngineScript
    private let names: WorldNames
    private let modules: [String: [UInt8]]
    private var readModules: [String: EngineScript] = [:]
    private let runName = EngineString(Array("run".utf8))
    private let finishName = EngineString(Array("finish".utf8))

    /// The context of the next script, made while none waited. No script has run in it (JS-3).
    private var prepared: PreparedContext?

    /// What the scripts of the current request share with the functions that C calls.
    fileprivate var console: [String] = []
    fileprivate var isTimedOut = false

    /// - Parameter modules: name to the text of a function `(module, exports, require, random)`.
    init(modules: [String: [UInt8]], clock: @escaping WorkerClock) throws(ScriptFrameError) {
        CJavaScriptCore_keepFreeMemory()
        guard let group = unsafe JSContextGroupCreate(), let hostClass = unsafe CJavaScriptCore_callableClass(callHost)
        else { throw ScriptFrameError("JavaScriptCore makes no context group") }
        unsafe self.group = group
        unsafe self.hostClass = hostClass
        driver = unsafe try EngineScript(PackageResources.driver_js, of: group)
        guardian = unsafe try EngineScript(PackageResources.guard_js, of: group)
        names = unsafe WorldNames(try Self.namesOfWorld(group))
        self.modules = modules
        self.clock = clock
    }

    deinit {
        prepared = nil
        unsafe JSClassRelease(hostClass)
        unsafe JSContextGroupRelease(group)
    }

    // MARK: Requests

    /// The results as JSON texts, and what was written.
    func answer(_ request: ScriptRequest) -> (results: [[UInt8]], console: [String]) {
        console = []
        let deadline = clock() + .milliseconds(request.timeLimitMilliseconds)
        let variables = EngineString(request.variables)
        switch request.work {
        case .expressions(let sources):
            return (sources.map { run("expression", [$0], variables, until: deadline) }, [])
        case .program(let source, let isBody):
            return ([run(isBody ? "body" : "script", [source], variables, until: deadline)], console)
        case .calls(let body, let parameters, let lists):
            let names = JSONValue.array(parameters.map(JSONValue.string)).serialized
            let lists = String(decoding: lists, as: UTF8.self)
            let result = run("call", [body, names], variables, [lists], until: deadline)
            guard result.first == UInt8(ascii: "[") else { return ([result], []) }
            return ([Array(result.dropFirst().dropLast())], [])
        }
    }

    private func run(
        _ kind: String, _ sources: [String], _ variables: EngineString, _ data: [String] = [],
        until deadline: ContinuousClock.Instant
    ) -> [UInt8] {
        let left = deadline - clock()
        guard left > .zero else { return Self.timeout }
        isTimedOut = false
        unsafe JSContextGroupSetExecutionTimeLimit(
            group, left / .seconds(1), noteTimeout, Unmanaged.passUnretained(self).toOpaque())
        defer { unsafe JSContextGroupClearExecutionTimeLimit(group) }
        do throws(ScriptFrameError) {
            let prepared = try takePrepared()
            // It and its context live until the result is text.
            defer { withExtendedLifetime(prepared) {} }
            let (scope, made) = unsafe (prepared.scope, prepared.driver)
            let reach = names.reach(of: sources)
            var arguments = unsafe [JSValueRef?](
                [
                    try scope.string(kind), try scope.string(reach.extent.rawValue),
                    try scope.string(reach.saysConsole ? "console" : ""), try scope.string(variables.raw),
                ])
            for text in sources + data { unsafe arguments.append(try scope.string(text)) }
            _ = try unsafe scope.call(scope.member(runName.raw, of: made), arguments)
            // Jobs of promises have run when the call returned.
            let result = try unsafe scope.bytes(of: scope.call(scope.member(finishName.raw, of: made), []))
            if isTimedOut { return Self.timeout }
            guard result.count <= Self.resultLimitBytes else {
                return Self.error("output too large: \(result.count) bytes (max: \(Self.resultLimitBytes) bytes)")
            }
            return result
        } catch {
            return isTimedOut ? Self.timeout : Self.error(error.description)
        }
    }

    // MARK: Contexts

    /// Makes the context of the next script: most of what a small script costs. Call it while no script waits.
    func prepare() {
        guard prepared == nil else { return }
        do throws(ScriptFrameError) {
            prepared = try makeContext()
        } catch {}  // the next script tries it again, and says why
    }

    private func takePrepared() throws(ScriptFrameError) -> PreparedContext {
        guard let next = prepared else { return try makeContext() }
        prepared = nil
        return next
    }

    /// Of a context in which nothing has run.
    private static func namesOfWorld(_ group: JSContextGroupRef) throws(ScriptFrameError) -> [String] {
        guard let context = unsafe JSGlobalContextCreateInGroup(group, nil) else {
            throw ScriptFrameError("JavaScriptCore makes no context")
        }
        defer { unsafe JSGlobalContextRelease(context) }
        let source = unsafe try EngineScript(Array("Object.getOwnPropertyNames(globalThis).join()".utf8), of: group)
        let scope = unsafe Scope(context: context)
        let names = unsafe String(decoding: try scope.bytes(of: scope.evaluate(source.raw)), as: UTF8.self)
        return names.split(separator: ",").map(String.init)
    }

    private func makeContext() throws(ScriptFrameError) -> PreparedContext {
        guard let context = unsafe JSGlobalContextCreateInGroup(group, nil) else {
            throw ScriptFrameError("JavaScriptCore makes no context")
        }
        defer { unsafe JSGlobalContextRelease(context) }
        let scope = unsafe Scope(context: context)
        let host = unsafe JSObjectMake(context, hostClass, Unmanaged.passUnretained(self).toOpaque())
        return unsafe PreparedContext(context, driver: try scope.call(scope.evaluate(driver.raw), [host]))
    }

    /// Asks the collector to work before the next request comes.
    func collectGarbage() {
        guard let context = unsafe JSGlobalContextCreateInGroup(group, nil) else { return }
        unsafe JSGarbageCollect(context)
        unsafe JSGlobalContextRelease(context)
    }

    /// JS-4, and the tags around the value.
    static let resultLimitBytes = (1 << 20) + 64
    private static let timeout = Array(#"{"t":"l"}"#.utf8)

    static func error(_ text: String) -> [UInt8] {
        JSONValue.object(["t": "e", "v": .string(text)]).serializedBytes
    }

    // MARK: What scripts may call

    /// `host(what, argument)`: nil is `undefined`.
    fileprivate func host(
        _ scope: Scope, _ what: String, _ argument: JSValueRef
    ) throws(ScriptFrameError) -> JSValueRef? {
        switch what {
        case "log":
            console.append(String(decoding: try unsafe scope.bytes(of: argument), as: UTF8.self))
            return nil
        case "random":
            try unsafe scope.fillWithRandomBytes(argument)
            return nil
        case "guard":
            return try unsafe scope.evaluate(guardian.raw)
        case "module":
            let name = String(decoding: try unsafe scope.bytes(of: argument), as: UTF8.self)
            guard let module = try module(name) else { return nil }
            return try unsafe scope.evaluate(module.raw)
        default: return nil
        }
    }

    /// Most workers never read one: lodash takes longer than all else that a worker does at its start.
    private func module(_ name: String) throws(ScriptFrameError) -> EngineScript? {
        if let module = readModules[name] { return module }
        guard let source = modules[name] else { return nil }
        let module = unsafe try EngineScript(source, of: group)
        readModules[name] = module
        return module
    }
}

/// A context in which the driver has run and nothing else; and what the driver answered with.
@safe private final class PreparedContext {
    let driver: JSValueRef
    private let context: JSGlobalContextRef

    var scope: Scope { unsafe Scope(context: context) }

    /// Holds both until it goes away itself.
    init(_ context: JSGlobalContextRef, driver: JSValueRef) {
        unsafe self.context = unsafe JSGlobalContextRetain(context)
        unsafe self.driver = unsafe driver
        unsafe JSValueProtect(context, driver)
    }

    deinit {
        unsafe JSValueUnprotect(context, driver)
        unsafe JSGlobalContextRelease(context)
    }
}

/// A source of ours, which each context evaluates again without reading it again.
@safe private final class EngineScript {
    let raw: CJavaScriptCore_ScriptRef

    /// - Parameter source: UTF-8 without a zero.
    init(_ source: [UInt8], of group: JSContextGroupRef) throws(ScriptFrameError) {
        let source = EngineString(source)
        guard let script = unsafe JSScriptCreateFromString(group, nil, 1, source.raw, nil, nil) else {
            throw ScriptFrameError("a script of the worker does not parse")
        }
        unsafe raw = unsafe script
    }

    deinit { unsafe JSScriptRelease(raw) }
}

/// A string in the engine's own form.
@safe private final class EngineString {
    let raw: JSStringRef

    /// - Parameter bytes: UTF-8 without a zero: the engine stops reading there.
    init(_ bytes: [UInt8]) {
        unsafe raw = unsafe (bytes + [0]).withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe JSStringCreateWithUTF8CString($0.baseAddress) }
        }
    }

    deinit { unsafe JSStringRelease(raw) }
}

// MARK: Called by C

private func noteTimeout(_ context: JSContextRef?, _ engine: UnsafeMutableRawPointer?) -> Bool {
    if let engine = unsafe engine {
        unsafe Unmanaged<ScriptEngine>.fromOpaque(engine).takeUnretainedValue().isTimedOut = true
    }
    return true
}

private func callHost(
    _ context: JSContextRef?, _ function: JSObjectRef?, _ this: JSObjectRef?, _ count: Int,
    _ arguments: UnsafePointer<JSValueRef?>?, _ exception: UnsafeMutablePointer<JSValueRef?>?
) -> JSValueRef? {
    guard let context = unsafe context, let reference = unsafe JSObjectGetPrivate(function), count == 2,
        let what = unsafe arguments?[0], let argument = unsafe arguments?[1]
    else { return unsafe JSValueMakeUndefined(context) }
    let engine = unsafe Unmanaged<ScriptEngine>.fromOpaque(reference).takeUnretainedValue()
    let scope = unsafe Scope(context: context)
    do throws(ScriptFrameError) {
        let name = String(decoding: try unsafe scope.bytes(of: what), as: UTF8.self)
        return try unsafe engine.host(scope, name, argument) ?? JSValueMakeUndefined(context)
    } catch {
        unsafe scope.describe(error, to: exception)
        return unsafe JSValueMakeUndefined(context)
    }
}
