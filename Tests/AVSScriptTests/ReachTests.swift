import AVSPrimitives
import AVSTesting
import AVSWorkflow
import Foundation
import Testing

@testable import AVSScriptEngine

/// JS-6 is paid for by those scripts only that can reach a prototype: here is that they never reach an open one.
@Suite("What a script reaches")
struct ReachTests {
    private static let names = WorldNames([
        "Array", "BigInt", "Boolean", "Date", "Error", "Function", "JSON", "Map", "Math", "NaN", "Number", "Object",
        "Reflect", "String", "Symbol", "WebAssembly", "console", "eval", "globalThis", "parseInt", "undefined",
    ])

    @Test("JS-6 leads nowhere by these words", arguments: [
        "", "return number * 2 + 1;", "21 * 2", "x.map(y => y.price).filter(Math.floor)", "JSON.stringify({a: NaN})",
        "Object.keys(a)", "Object.entries(a).length", "Array.isArray(a)", "Array.from({length: 3}, (_, i) => i)",
        "new Array(3)", "Number(a)", "String(a) + Boolean(b)", "BigInt(a)", "Number.isInteger(a)", "Date.now()",
        "objects.Objects + myDate", "thisOne", "function f() {} class A {}",
    ])
    func nothing(source: String) { #expect(Self.names.reach(of: [source]) == ScriptReach()) }

    @Test("JS-6 leads to values by names that it computes", arguments: [
        "a[b]", "return [1, 2]", "'\\n' + /\\d+/.exec(a)", "a\\", "({'constr\\x75ctor': c} = '')", "// [",
    ])
    func values(source: String) {
        #expect(Self.names.reach(of: [source]) == ScriptReach(extent: .values))
        #expect(Self.names.reach(of: ["a", source, "b"]) == ScriptReach(extent: .values))
    }

    @Test("JS-6 leads to the world by these words, wherever they stand", arguments: [
        "Object", "Object.getPrototypeOf(a)", "Object .keys(a)", "Object['keys']", "Object.keysOf", "Object.",
        "(Object)", "Object?.keys(a)", "Object(a)", "Array", "Array.fromAsync(a)", "new Array", "Array\n(3)",
        "Number", "Number.x", "String.prototype", "Date", "new Date()", "Date.now.constructor", "Date.now\u{a0}Date",
        "Symbol.iterator", "Map", "Function('a')", "eval('a')", "globalThis", "this", "super.a()", "a.constructor",
        "a.__proto__",
        "{__proto__: a}", "x.prototype", "try { a } catch {}", "async () => 1", "await a", "import('a')",
        "require('lodash')", "a.__lookupGetter__(b)", "crypto", "toBigInt(a)", "\\u0044ate", "'\\u00e9'",
        "Obj\\u{65}ct", "// Reflect",
        "'Error'", "`${Reflect}`", "3Date", "é.Date", "éDate", "return\u{2003}Date", "a\u{feff}Reflect",
        "console.log(Reflect)", "WebAssembly",
    ])
    func world(source: String) {
        #expect(Self.names.reach(of: [source]).extent == .world)
        #expect(Self.names.reach(of: ["console", source, "a"]).extent == .world)
    }

    @Test("JS-6 leads to the console by its name only")
    func console() {
        #expect(Self.names.reach(of: ["a", "console.log(a)", "b"]) == ScriptReach(saysConsole: true))
        #expect(Self.names.reach(of: ["consoles", "$console", "_console", "console1"]) == ScriptReach())
    }

    @Test("JS-6 is told every name of a fresh world but the harmless ones")
    func everyName() async throws {
        let harmless: Set<String> = [
            "Infinity", "JSON", "Math", "NaN", "console", "decodeURI", "decodeURIComponent", "encodeURI",
            "encodeURIComponent", "escape", "isFinite", "isNaN", "parseFloat", "parseInt", "undefined", "unescape",
        ]
        try await Workers.with { pool in
            let all = try #require(await pool.value(of: "return Object.getOwnPropertyNames(globalThis)")?.arrayValue)
            let found = all.compactMap(\.stringValue)
            #expect(found.count > 60 && harmless.subtracting(found) == [], "\(found)")
            for name in Set(found).subtracting(harmless) {
                #expect(WorldNames(found).reach(of: [name]).extent == .world, "\(name)")
            }
        }
    }

    private static let leading = ["constructor", "__proto__", "prototype", "bind", "call", "next"]
    /// Every name that a property of the world's own objects has.
    private static let namesOfProperties = """
        const names = new Set(), seen = new Set(), left = [globalThis, function* () {}, [].values(), ''.matchAll(/a/g)];
        while (left.length > 0) {
            const object = left.pop();
            if (object === null || !/object|function/.test(typeof object) || seen.has(object)) continue;
            seen.add(object);
            left.push(Object.getPrototypeOf(object));
            for (const name of Object.getOwnPropertyNames(object)) {
                names.add(name);
                try { left.push(object[name]) } catch {}
            }
        }
        return [...names]
        """
    /// Follows each walk and marks what it comes to; then looks where the marks are to be seen. A jump out of `finally`
    /// is the end of whatever was thrown.
    private static let walker = """
        const starts = [
            () => function () {}, () => '', () => 0, () => true, () => 0n, () => [], () => ({}), () => /a/,
            () => a => a, () => function* () {}, () => function* () { yield 1 }(), () => [].values(),
            () => ''['matchAll'](/a/g), () => [].values()['map'](a => a), () => `a`, () => [1].map(a => [a]),
            () => 'a-b'.split(/-/), () => [].entries(), () => /a/.exec('a'), () => [0, 1].slice(1),
            () => Number(1), () => new Array(2), () => class {}, () => (a => a).bind(1), () => JSON, () => Math,
            () => function () { return arguments }(1), () => console,
        ];
        const visited = [];
        for (const walk of walks) {
            let value = starts[walk[0].start % starts.length]();
            for (const step of walk) {
                let next;
                try { next = step.call ? value[step.key](step.argument) : value[step.key] }
                finally { if (next === undefined || next === null) break }
                value = next;
                const mark = `mark${visited.length}`;
                visited.push({ value, mark });
                try { value[mark] = 1 } finally { continue }
            }
        }
        const found = [];
        for (const { value, mark } of visited) {
            for (const make of starts) if (![JSON, Math, console].includes(make()) && make()[mark]) found.push(mark);
            let maker, owner;
            try {
                maker = value['construct' + 'or'];
                owner = maker['proto' + 'type'];
                maker = `${maker}`;
            } finally {
                if (owner === value && maker.includes('[native code]') && value[mark]) found.push(mark);
                continue;
            }
        }
        return found
        """

    /// Scripts of each seed; `AVS_REACH_WALKS` replaces it.
    private static let walks = ProcessInfo.processInfo.environment["AVS_REACH_WALKS"].flatMap { Int($0) } ?? 400

    @Test("JS-6 finds no prototype open on random walks that say no name", arguments: [1, 2, 3, 4] as [UInt64])
    func randomWalks(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        #expect(Self.names.reach(of: [Self.walker]) == ScriptReach(extent: .values, saysConsole: true))
        try await Workers.with { pool in
            let names = try #require(await pool.value(of: Self.namesOfProperties)?.arrayValue).compactMap(\.stringValue)
            #expect(names.count > 400)
            for _ in 0..<Self.walks {
                let start = Double.random(in: 0..<1_000, using: &random).rounded()
                let walks = (0..<Int.random(in: 1...2, using: &random)).map { _ in
                    JSONValue.array((0..<Int.random(in: 1...5, using: &random)).map { _ in
                        let isLeading = Int.random(in: 0..<3, using: &random) > 0
                        return [
                            "start": .number(start),
                            "key": .string((isLeading ? Self.leading : names).randomElement(using: &random) ?? ""),
                            "call": .bool(Int.random(in: 0..<3, using: &random) == 0),
                            "argument": .string(names.randomElement(using: &random) ?? ""),
                        ]
                    })
                }
                let run = await pool.run(Self.walker, ["walks": .array(walks)])
                // One may end the worker or its own iterators, such as by a call of `repeat` or `return`.
                if case .success(let found) = run.result, found.json != [] {
                    Issue.record("seed \(seed): \(JSONValue.array(walks).serialized)")
                }
            }
        }
    }

    @Test("JS-6 means the world's own classes by their names when a script has functions of these")
    func ownNames() async throws {
        let way = "var c = 'construct' + 'or', t = 'proto' + 'type'; "
        let rows: [(String, JSONValue)] = [
            ("function Array(x) {} ''[c]; ({})[c].isFrozen([][c][t])", true),
            ("function String(x) { throw x } ''[c][t].evil = 1; ''.evil === undefined", true),
            ("function Number(x) {} 0[c][t].evil = 1; [0..evil === undefined, parseInt('7')]", [true, 7]),
        ]
        try await Workers.with { pool in
            for (source, expected) in rows { #expect(await pool.value(of: way + source) == expected, "\(source)") }
            let error = await pool.error(of: "function String(x) { throw x } null.x")
            #expect(error?.hasPrefix("TypeError") == true)
        }
    }

    @Test("JS-6 finds frozen what values lead to, without a name and at the end of the stack")
    func gates() async throws {
        let way = "const c = 'construct' + 'or', u = '__pro' + 'to__', t = 'proto' + 'type', make = f => [][c][c](f); "
        var rows: [(String, JSONValue)] = [
            ("return make('return [Obj' + 'ect, Refl' + 'ect].map(o => typeof o)')()", ["function", "object"]),
            ("return make('return Obj' + 'ect.isFrozen(Str' + 'ing.proto' + 'type)')()", true),
            (
                "return make('return [typeof WebAss' + 'embly, typeof Atom' + 'ics, typeof cry' + 'pto]')()",
                ["undefined", "undefined", "object"]
            ),
            (
                "return make('return [typeof con' + 'sole.log, typeof requ' + 'ire, typeof toBig' + 'Int]')()",
                ["function", "function", "function"]
            ),
            ("return make('return requ' + 'ire(\"lodash\").sum([1, 2])')()", 3),
            ("return (function* () {})[c]('yield 5')().next().value", 5),
            ("return [''[c].name, [][c].name, ({})[c].name, 0[c].name]", ["String", "Array", "Object", "Number"]),
            ("return [0n[c].name, /a/[c].name, (a => a)[c].name]", ["BigInt", "RegExp", "Function"]),
            ("return [[1, 2][c] === [][u][c], /a/[c] === /b/[u][c], ''[c][t] === ''[u]]", [true, true, true]),
            ("return ({})[u][u]", nil),
            ("const o = {}; o[c] = 5; o[u] = {a: 1}; return [o[c], o.a]", [5, 1]),
            ("const o = []; o[c] = 5; return [1][c] === [2][c]", true),
            (
                "const n = {}; for (const w of [c, 'is', c, 'is']) n[w] = (n[w] || 0) + 1; return [n.is, typeof n[c]]",
                [2, "string"]
            ),
            (
                "const g = ''['__lookup' + 'Getter__'](c); return [g.call('') === g.call(''), g.call('') === ''[c]]",
                [true, true]
            ),
            ("number = 5; return [number, make('return number')()]", [5, 5]),
        ]
        rows += [
            ("const p = [][c]['from' + 'Async']([1]); p[c][t].evil = 1; return p.evil === undefined", true),
            ("[][c]['from' + 'Async'](5..x).then(null, e => { e[c][t].evil = 1; e = e.evil }); return 1", 1),
            (
                "const p = [][c]['from' + 'Async']([1]); p[c][t].then = (...a) => a[0]('mine'); return p", [1]
            ),
            ("function String(x) { throw x } ''[c][t].evil = 1; return ''.evil === undefined", true),
            ("class A extends ([][c]) {} return new A(1, 2).map(a => a + 1)", [2, 3]),
            ("const r = /a/; r[c] = 5; return [r[c], 'a-b'.split(/-/), [1][c] === [2][c]]", [5, ["a", "b"], true]),
        ]
        for value in ["''", "0", "0n", "true", "[]", "({})", "/a/", "(a => a)", "function* () {}", "[].values()"] {
            for step in ["[u]", "[c][t]"] where !(step == "[c][t]" && value == "function* () {}") {
                rows.append(("const v = \(value); v\(step).evil = 1; return v.evil === undefined", true))
            }
        }
        // Each frame tries it when it is left, the deepest ones with no stack to do it. Where frames end differs.
        for pad in 0..<8 {
            for reached in ["''[u]", "[][u]", "({})[c][t]", "make('return Str' + 'ing.proto' + 'type')()"] {
                rows.append(
                    (
                        """
                        let depth = 0, evil = 0;
                        const down = () => {
                            depth++;
                            try { down() }
                            finally {
                                try { \(reached).evil = 1 } finally { if (''.evil || [].evil) evil++; return depth }
                            }
                        };
                        const start = left => left ? start(left - 1, left, left) : down();
                        return [start(\(pad)) > 1000, evil]
                        """, [true, 0]
                    ))
            }
        }
        rows.append(
            (
                """
                let done = false;
                const down = () => {
                    try { down() }
                    finally {
                        if (done) return;
                        try { ({})[c]; done = true } finally { return }
                    }
                };
                down();
                return make('return [typeof requ' + 'ire, typeof parse' + 'Unit, typeof con' + 'sole.log]')()
                """, ["function", "function", "function"]
            ))
        try await Workers.with { pool in
            for (source, expected) in rows {
                #expect(await pool.value(of: way + source, ["number": 1]) == expected, "\(source)")
            }
        }
    }
}
