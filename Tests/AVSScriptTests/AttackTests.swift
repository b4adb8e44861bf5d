import AVSPrimitives
import AVSScript
import AVSScriptFrames
import AVSWorkflow
import Foundation
import Logging
import Testing

/// Scripts by somebody who wants more than a result. Whatever they try ends as their own step's error.
@Suite("A hostile script", .serialized)
struct AttackTests {
    @Test("JS-4 EE-NC10 that never ends is ended, wherever it loops", arguments: [
        "for (;;) {}", "while (true) { try { for (;;) {} } catch (e) {} }", "return {get x() { for (;;) {} }}",
        "return new Proxy({}, {ownKeys() { for (;;) {} }})", "[2, 1].sort(() => { for (;;) {} })",
        "return {toJSON() { for (;;) {} }}", "function* g() { for (;;) yield 1 } return [...g()].length",
        "const t = () => { for (;;) {} }; t`x`", "return /^(a+)+$/.test('a'.repeat(64) + 'b')",
            "function f() { Promise.resolve().then(f) } f(); return 1", "eval('for (;;) {}')",
            "throw {toJSON() { for (;;) {} }}",
            "console.log({get x() { for (;;) {} }})", "return new Array(2 ** 32 - 1)",
            "import d from 'dayjs'; for (;;) d()",
        "return Promise.resolve().then(() => { for (;;) {} })", "(async () => { for (;;) await 1 })(); return 1",
    ])
    func endless(source: String) async throws {
        try await Workers.with({ $0.programLimit = .milliseconds(300) }) { pool in
            let error = await pool.error(of: source)
            #expect(error == "timeout" || error == "out of memory")
            // The next one, of somebody else, knows nothing of it.
            let next = await pool.serving(Workers.bob).evaluate(["[1].concat(2).length"], variables: [:])
            #expect(next == [.success(.json(2))])
        }
    }

    @Test("JS-4 JS-9 that wants all memory gets an error, and its worker goes", arguments: [
            "const a = []; for (;;) a.push(new Array(10000).fill(1))", "return 'x'.repeat(2 ** 30)",
            "let s = 'x'; for (;;) s += s",
        "return new Uint8Array(2 ** 31).fill(1).length", "const m = new Map(); for (let i = 0;; i++) m.set(i, {i})",
        "const a = []; for (;;) a.push(new Float64Array(100000).fill(1))", "return 'x'.repeat(2 ** 28).split('')",
            "const a = []; (function f() { a.push('y'.repeat(100000) + a.length); f() })()",
            "return JSON.stringify(new Array(1e8).fill({}))",
    ])
    func memory(source: String) async throws {
        try await Workers.with { pool in
            let error = await pool.error(of: source)
            let isLimit = ["out of memory", "timeout", "script worker failed"].contains(error)
            #expect(isLimit || error?.contains("Error") == true, "\(error ?? "")")
            #expect(await pool.value(of: "return 1") == 1)
        }
    }

    @Test("that recurses, grows a string or an output meets an error of its own", arguments: [
            ("function f() { return f() + 1 } f()", "RangeError"),
            ("let o = {}; for (let i = 0; i < 100; i++) o = {o}; return o", "error converting result"),
        ("return 'x'.repeat(2 ** 20 + 1)", "output too large"), ("JSON.parse('['.repeat(1e6))", "Error"),
        ("const a = []; for (let i = 0; i < 1e4; i++) a.push('x'.repeat(200)); return a", "output too large"),
    ])
    func bounded(source: String, fragment: String) async throws {
        try await Workers.with { pool in
            #expect(await pool.error(of: source)?.contains(fragment) == true)
            #expect(pool.statistics.started <= 3)
        }
    }

    @Test("JS-6 finds prototypes frozen and nothing that shares memory or compiles")
    func frozen() async throws {
        let rows: [(String, JSONValue)] = [
            (
                "return [typeof WebAssembly, typeof Atomics, typeof SharedArrayBuffer]",
                ["undefined", "undefined", "undefined"]
            ),
            (
                """
                const open = [];
                for (const name of Object.getOwnPropertyNames(globalThis)) {
                    const value = globalThis[name];
                    for (let p = value?.prototype ?? null; p !== null; p = Object.getPrototypeOf(p)) {
                        if (!Object.isFrozen(p)) open.push(name);
                    }
                }
                return open;
                """, []
            ),
            (
                "Math.twice = x => 2 * x; Object.of = Object.fromEntries; return [Math.twice(4), Object.of([['a', 1]])]",
                [8, ["a": 1]]
            ),
            (
                "return Object.isFrozen(require('lodash')) && Object.isFrozen(require('dayjs')) && Object.isFrozen(require('uuid'))",
                true
            ),
            (
                "Array.prototype.map = () => 'mine'; Object.prototype.polluted = 1; return [[1].map(x => x), ({}).polluted]",
                [[1], nil]
            ),
            ("const o = {}; o.toString = () => 'own'; o.constructor = 1; return `${o}` + o.constructor", "own1"),
            (
                "'x'.hasOwnProperty = 1; (5).isPrototypeOf = 1; toString = 5; return [toString, typeof Object]",
                [5, "function"]
            ),
            (
                """
                ({}).__proto__.evil = 1
                JSON.parse('{"__proto__": {"evil": 2}}')
                require('lodash').merge({}, JSON.parse('{"constructor": {"prototype": {"evil": 3}}}'))
                return ({}).evil === undefined
                """, true
            ),
            (
                """
                let ok = false
                const down = () => { try { down() } catch {} if (ok) return; try { Date; ok = true } catch {} }
                down()
                return Object.isFrozen(Date.prototype)
                """, true
            ),
            ("'use strict'; try { Object.prototype.x = 1 } catch (e) { return e.name }", "TypeError"),
            ("'use strict'; try { Object.prototype.toString = 1 } catch (e) { return e.name }", "TypeError"),
        ]
        try await Workers.with { pool in
            for (source, expected) in rows { #expect(await pool.value(of: source) == expected, "\(source)") }
        }
    }

    @Test(
        "JS-6 finds frozen what a script reaches without saying its name",
        arguments: [
            "[]", "''", "0", "true", "0n", "({})", "/a/", "/a/.exec('a')", "`a`", "(a => a)", "(function () {})",
            "(class {})", "(function () { return arguments })()", "(async () => {})", "(async () => {})()",
            "(function* () {})", "(function* () {}).prototype", "(async function* () {})",
            "(async function* () {}).prototype", "[].values()", "[].values().map(x => x)", "''[Symbol.iterator]()",
            "''.matchAll(/a/g)", "Iterator.from({next() {}})", "new Intl.Segmenter().segment('a')",
            "new Intl.Segmenter().segment('a')[Symbol.iterator]()", "Symbol.iterator", "Symbol()", "new Map().entries()", "new Set([1]).values()",
            "new Uint8Array(1).buffer", "new DataView(new Int8Array(1).buffer)", "caught(() => missing)",
            "caught(() => null.x)", "caught(() => [].at.call())", "caught(() => decodeURIComponent('%'))",
            "caught(() => ''.repeat(-1))", "caught(() => eval('('))", "(await Promise.any([]).catch(error => error))",
        ])
    func frozenUnnamed(_ expression: String) async throws {
        let source = """
            function caught(body) { try { body() } catch (error) { return error } }
            let levels = 0;
            for (let p = (\(expression)).__proto__; p; p = p.__proto__) {
                if (!Object.isFrozen(p)) return `${levels} above is not frozen`;
                levels++;
            }
            return levels > 0;
            """
        try await Workers.with { pool in
            #expect(await pool.value(of: source) == true)
        }
    }

    @Test("JS-6 holds what is frozen when its name is first said in no other state, however it is reached")
    func frozenWhenNamed() async throws {
        let frozen = "Object.isFrozen((d.NumberFormat ?? d).prototype)"
        var rows: [(String, JSONValue)] = [
            (
                "return Object.getOwnPropertyNames(Intl).every(n => typeof Intl[n].prototype !== 'object' || Object.isFrozen(Intl[n].prototype))",
                true
            ),
            (
                "Date.prototype.getTime = () => 1; Intl.DateTimeFormat.prototype.format = () => 'mine'; return [new Date(5).getTime(), new Intl.NumberFormat('en').format(1)]",
                [5, "1"]
            ),
            (
                "return [String(new Date(0)), new Date(0) instanceof Date, new Date(0).constructor === Date]",
                ["Thu, 01 Jan 1970 00:00:00 UTC", true, true]
            ),
            ("return require('dayjs').unix(0).toDate().constructor === Date && Object.isFrozen(Date.prototype)", true),
        ]
        for name in ["Date", "Intl", "Map", "Uint8Array", "EvalError"] {
            rows += [
                ("const d = \(name); return \(frozen)", true),
                ("const d = globalThis['\(name)']; return \(frozen)", true),
                ("const d = Object.getOwnPropertyDescriptor(globalThis, '\(name)').get(); return \(frozen)", true),
                (
                    "const { get } = Object.getOwnPropertyDescriptor(globalThis, '\(name)'); get(); const d = get(); return d === \(name) && \(frozen)",
                    true
                ),
                ("\(name) = 5; return \(name)", 5), ("return typeof \(name)", name == "Intl" ? "object" : "function"),
                ("(0, eval)('var \(name) = 6; let x = \(name)'); return \(name)", 6),
                ("(0, eval)('function \(name)() { return 7 }'); return \(name)()", 7),
                (
                    "const { get } = Object.getOwnPropertyDescriptor(globalThis, '\(name)'); \(name) = 5; const d = get(); return \(frozen)",
                    true
                ),
            ]
        }
        try await Workers.with { pool in
            for (source, expected) in rows { #expect(await pool.value(of: source) == expected, "\(source)") }
            #expect(await pool.value(of: "return Date + 1", ["Date": "given"]) == "given1")
        }
    }

    @Test("gets nothing by constructors, eval and this that it does not have anyway")
    func escapes() async throws {
        let rows: [(String, JSONValue)] = [
            (
                "const g = (function () { return this })(); return Object.getOwnPropertyNames(g).filter(n => /process|require|host|load|read|print|quit|fetch|native|vm/i.test(n) && n !== 'require')",
                []
            ),
            (
                "return [].constructor.constructor('return typeof process + typeof load + typeof readFile + typeof print')()",
                "undefinedundefinedundefinedundefined"
            ),
            ("return Function('return typeof host + typeof driver + typeof modules')()", "undefinedundefinedundefined"),
            ("return new Function('return this')() === globalThis", true),
            (
                "try { require.constructor('return this')().Object.prototype.z = 1 } catch {} return ({}).z === undefined",
                true
            ),
            (
                "return [require, console.log].map(f => { try { return f.caller } catch (e) { return e.name } })",
                ["TypeError", "TypeError"]
            ),
            (
                "let seen; try { Error.prepareStackTrace = (e, s) => { seen = s }; new Error().stack } catch {} return seen === undefined",
                true
            ),
        ]
        try await Workers.with { pool in
            for (source, expected) in rows { #expect(await pool.value(of: source) == expected, "\(source)") }
            #expect(await pool.error(of: "return import('fs')").map { !$0.isEmpty } == true)
        }
    }

    @Test("JS-3 T26 finds nothing of an earlier run, of its own owner or of another one")
    func leftovers() async throws {
        try await Workers.with({ $0.workers = 1; $0.spares = 0 }) { pool in
            let plant = """
                globalThis.secret = 'planted-4711'; Math.secret = 1; require('lodash').secret = 1; console.secret = 1;
                try { Object.defineProperty(Array.prototype, 'secret', {value: 1}) } catch {}
                Symbol.for('planted-4711'); return apContext.configVars.key
                """
            let variables: [String: JSONValue] = [
                "apContext": ["configVars": ["key": "planted-4711"]], "mine": "planted-4711",
            ]
            #expect(await pool.run(plant, variables).result == .success(.json("planted-4711")))
            let search = """
                const found = [];
                for (const name of Object.getOwnPropertyNames(globalThis)) {
                    if (name === 'secret' || name === 'mine') found.push(name);
                    try { if (String(globalThis[name]).includes('planted')) found.push(name) } catch {}
                }
                return [found, typeof secret, Math.secret, require('lodash').secret, console.secret, [].secret, typeof mine]
                """
            let nothing: JSONValue = [[], "undefined", nil, nil, nil, nil, "undefined"]
            #expect(await pool.run(search).result == .success(.json(nothing)))
            let started = pool.statistics.started
            #expect(await pool.run(search, for: Workers.bob).result == .success(.json(nothing)))
            #expect(pool.statistics.started == started + 1, "another owner has another process")
            #expect(await pool.run("return 1", for: Workers.bob).result == .success(.json(1)))
            #expect(pool.statistics.started == started + 1, "the same owner keeps it")
        }
    }

    @Test("JS-8 gets the secrets that its source names, and never the map")
    func secrets() async throws {
        let variables: [String: JSONValue] = [
            "apContext": ["configVars": ["api_key": "k-1", "other_key": "k-2"]], "settings": ["n": 1],
        ]
        try await Workers.with { pool in
            #expect(await pool.value(of: "return apContext.configVars.api_key", variables) == "k-1")
            #expect(await pool.value(of: "return apContext", variables) == ["configVars": [:]])
            #expect(await pool.value(of: "return apContext.configVars['other' + '_key']", variables) == .null)
            #expect(
                await pool.value(of: "return Object.keys(apContext.configVars) /* api_key */", variables) == ["api_key"]
            )
            let results = await pool.serving(Workers.alice).evaluate(
                ["JSON.stringify(apContext)", "apContext.configVars.api_key.length + settings.n"], variables: variables)
            #expect(results.last == .success(.json(4)))
        }
    }

    @Test("JS-5 whose worker is under its control can only fail its own step", arguments: [
        "", "{}", "[]", "{\"results\":[],\"console\":[]}", "{\"results\":[],\"console\":[],\"resident\":-1}",
            "{\"results\":[{\"t\":\"z\"}],\"console\":[],\"resident\":1}",
            "{\"results\":[{\"t\":\"j\"}],\"console\":[],\"resident\":1}",
            "{\"results\":[{\"t\":\"b\",\"v\":\"1x\"}],\"console\":[],\"resident\":1}",
            "{\"results\":[1],\"console\":[],\"resident\":1}",
            "{\"results\":[{\"t\":\"d\",\"v\":1e300}],\"console\":[],\"resident\":1}",
            "{\"results\":[],\"console\":[1],\"resident\":1}",
            "{\"results\":[{\"t\":\"u\"}],\"console\":[],\"resident\":1,\"resident\":1}",
            "{\"results\":[],\"console\":[],\"resident\":1.5}",
            "{\"results\":[],\"console\":[],\"resident\":1e400}",
            "{\"results\":[{\"t\":\"n\",\"v\":\"1\"}],\"console\":[],\"resident\":1}",
    ])
    func forgedAnswers(text: String) {
        #expect(throws: ScriptFrameError.self) { try ScriptAnswer(body: Array(text.utf8)) }
    }

    @Test("JS-5 forges no answer that is too deep, no UTF-8 or written at length")
    func forgedBytes() throws {
        let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        let answer = { (value: String) in
            Array("{\"results\":[{\"t\":\"j\",\"v\":\(value)}],\"console\":[],\"resident\":1}".utf8)
        }
        #expect(throws: ScriptFrameError.self) { try ScriptAnswer(body: answer(deep)) }
        #expect(throws: ScriptFrameError.self) { try ScriptAnswer(body: answer("\"x") + [0xFF]) }
        let lines = "{\"results\":[],\"console\":[\"\(String(repeating: "x", count: 70_000))\"],\"resident\":1}"
        #expect(throws: ScriptFrameError.self) { try ScriptAnswer(body: Array(lines.utf8)) }
        let good = answer("{\"a\":[1]}")
        for end in good.indices {
            #expect(throws: ScriptFrameError.self) { try ScriptAnswer(body: Array(good[..<end])) }
        }
        #expect(try ScriptAnswer(body: good) == ScriptAnswer(outcomes: [.json(["a": [1]])], residentBytes: 1))
        #expect(throws: ScriptFrameError.self) { try ScriptAnswer(body: answer("{\"a\":1,\"a\":2}")) }
    }

    @Test("INP-1 of two keys that Unicode holds for one is the script's failure")
    func canonicallyEqualKeys() throws {
        let text = "{\"results\":[{\"t\":\"j\",\"v\":{\"\u{e9}\":1,\"e\u{301}\":2}}],\"console\":[],\"resident\":1}"
        let outcome = try ScriptAnswer(body: Array(text.utf8)).outcomes
        #expect(outcome == [.thrown("TypeError: the result has two keys that Unicode holds for one: 'e\u{301}'")])
    }
}
