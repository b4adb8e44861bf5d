import AVSPrimitives
import AVSScript
import AVSWorkflow
import Testing

@Suite("Custom code")
struct CustomCodeTests {
    @Test("EE-NC1 EE-NC2 EE-NC3 EE-NC9 EE-NC12 returns values of every kind (5.6.3)")
    func values() async throws {
        let rows: [(String, JSONValue)] = [
            ("return 1 + 2;", 3), ("21 * 2", 42), ("return {a: x.data.n}", ["a": "5"]), ("{a:1}", 1),
            ("({a:1})", ["a": 1]),
            ("return 'text'", "text"), ("return true", true), ("return null", nil), ("return undefined;", nil),
            ("return {}", [:]),
            ("return []", []), ("return {a: [1, {b: [null, {c: 'd'}]}]}", ["a": [1, ["b": [nil, ["c": "d"]]]]]),
            ("return BigInt('90071992547409931') + 1n", "90071992547409932"),
            ("return {a: {b: {c: 2n ** 70n}}}", ["a": ["b": ["c": "1180591620717411303424"]]]),
            ("return new Date('2026-02-03T04:05:06Z')", "2026-02-03T04:05:06Z"),
            ("return [new Date('2026-02-03T04:05:06.5Z')]", ["2026-02-03T04:05:06.500Z"]),
            ("return new Map([['k', 2n]])", ["k": "2"]),
            ("return {m: new Map([[1, new Set([1, 'b'])]])}", ["m": ["1": [1, "b"]]]),
            ("return new Uint8Array([1,2])", [1, 2]), ("return new BigInt64Array([5n]).buffer.slice(0, 2)", [5, 0]),
            ("return [0/0, 1/0, -1/0, -0]", [0, 0, 0, 0]),
            ("return function f() {}", nil), ("return Symbol('s')", nil),
            ("return {f() {}, s: Symbol('s')}", ["f": nil, "s": nil]),
            ("return Promise.resolve({a: 1n})", ["a": "1"]), ("return new Promise(() => {})", nil),
            ("const v = await Promise.resolve(5); return v + 1", 6), ("return (async () => [await 1])()", [1]),
            ("return await (async () => 5)()", 5), ("const r = await (async () => 6)(); return r", 6),
            ("// await what?\nreturn 7", 7), ("const await = x => x + 1; return await (7)", 8),
            (
                "const [a, ...rest] = [1, 2, 3]; const o = {...{p: 1}, q: rest}; return `${a}${o?.q?.[1] ?? 'no'}${o?.r?.s ?? 'x'}`",
                "13x"
            ),
            ("[1, 2, 3].map(n => n * 2).filter(n => n > 2)", [4, 6]),
            ("class A { #x = 4; get x() { return this.#x } }; return new A().x", 4),
            ("function* g() { yield 1; yield 2 } return [...g()]", [1, 2]),
            ("try { null.x } catch (e) { return e instanceof TypeError }", true),
            ("let a = new Number(3), b = new String('s'); return [a, b, new Boolean(false)]", [3, "s", false]),
            ("return '\\ud800x'", "\u{FFFD}x"), ("return JSON.parse('{\"__proto__\": 1}')", ["__proto__": 1]),
            (
                "return [String(new Date(0)), String({}), new Date(0).getTimezoneOffset()]",
                ["Thu, 01 Jan 1970 00:00:00 UTC", "[object Object]", 0]
            ),
        ]
        try await Workers.with { pool in
            for (source, expected) in rows {
                #expect(await pool.value(of: source, ["x": ["data": ["n": "5"]]]) == expected, "\(source)")
            }
            let long = await pool.value(of: "return Array.from({length: 10000}, (_, i) => ({i}))")
            #expect(long?.arrayValue?.count == 10_000 && long?.arrayValue?.last == ["i": 9_999])
        }
    }

    @Test("EE-NC4 EE-NC5 EE-NC7 fails with what was thrown")
    func errors() async throws {
        let rows = [
            ("throw new Error('Intentional failure')", "Error: Intentional failure"), ("throw 'text'", "text"),
            ("throw {code: 5n}", "{\"code\":\"5\"}"), ("return missing + 1", "ReferenceError: missing is not defined"),
            ("return (", "SyntaxError"), ("null.x", "TypeError"), ("return require('fs')", "module not found: fs"),
            ("import x from './y'; return x", "module not found: ./y"), ("require('https://a/b')", "module not found"),
            ("return Promise.reject(new RangeError('later'))", "RangeError: later"),
            ("const a = {}; a.a = a; return a", "error converting result"),
            ("class E extends Error { constructor(m) { super(m); this.name = 'E' } }; throw new E('own')", "E: own"),
            ("throw {toJSON() { throw 1 }, toString() { throw 2 }}", "an error that cannot be described"),
            ("return 'x'.repeat(2000000)", "output too large"), ("return setTimeout", "not defined"),
            ("return fetch('http://a')", "not defined"), ("return process.env", "not defined"),
            ("return window", "not defined"),
        ]
        try await Workers.with { pool in
            for (source, fragment) in rows {
                #expect(await pool.error(of: source)?.contains(fragment) == true, "\(source)")
            }
        }
    }

    @Test("EE-NC6 has lodash, dayjs and uuid, by require and by every form of import")
    func modules() async throws {
        let rows: [(String, JSONValue)] = [
            ("const _ = require('lodash'); return _.sum([1,2,3])", 6),
            ("import _ from 'lodash'; return _.chunk([1,2,3], 2)", [[1, 2], [3]]),
            ("import * as _ from 'lodash'\nreturn _.get({a: {b: [1]}}, 'a.b[0]')", 1),
            (
                "import { groupBy as g, sortBy } from 'lodash'\nreturn g(sortBy([3, 1, 2]), n => n % 2)",
                ["1": [1, 3], "0": [2]]
            ),
            ("const _ = require('lodash'); return _([3, 1]).sort().map(n => n * 2).value()", [2, 6]),
            (
                "return [require('lodash').toString(null), require('lodash').bind(function() { return this.a }, {a: 1})()]",
                ["", 1]
            ),
            ("import { v4 as id } from 'uuid'; return id().length", 36),
            (
                "const u = require('uuid'); return [u.v1, u.v4].map(f => [u.validate(f()), u.version(f()), f() !== f()])",
                [[true, 1, true], [true, 4, true]]
            ),
            (
                "const u = require('uuid'); return [u.v6, u.v7].map(f => [u.validate(f()), u.version(f()), f() < f()])",
                [[true, 6, true], [true, 7, true]]
            ),
            (
                "const u = require('uuid'); const l = Array.from({length: 9000}, u.v7); return l.every((v, i) => !i || l[i - 1] < v)",
                true
            ),
            (
                "const n = parseInt(require('uuid').v7().replace('-', '').slice(0, 12), 16); return Math.abs(n - Date.now()) < 9e4",
                true
            ),
            (
                "const u = require('uuid'); return [u.stringify(u.parse(u.v5.DNS)) === u.v5.DNS, u.version(u.MAX)]",
                [true, 15]
            ),
            ("import { default as d, isDayjs } from 'dayjs'; return [typeof d, isDayjs(d())]", ["function", true]),
            // RFC 9562, appendices A.2 and A.4.
            (
                "import { v3, v5 } from 'uuid'; return [v3('www.example.com', v3.DNS), v5('www.example.com', v5.DNS)]",
                ["5df41881-3aed-3515-88a7-2f4a814cf09e", "2ed6657d-e927-568b-95e1-2665a8aea6a2"]
            ),
            (
                "const u = require('uuid'); return [u.validate('no'), u.validate(u.NIL), u.validate('5df41881-3aed-0515-88a7-2f4a814cf09e')]",
                [false, true, false]
            ),
            ("return require('uuid') === require('uuid')", true),
        ]
        try await Workers.with { pool in
            for (source, expected) in rows { #expect(await pool.value(of: source) == expected, "\(source)") }
        }
    }

    @Test("EE-NC6 has dayjs as its authors know it")
    func dates() async throws {
        let rows: [(String, JSONValue)] = [
            ("d('2023-01-01').format('YYYY-MM-DD')", "2023-01-01"),
            (
                "d('2024-02-29T13:04:05.678Z').format('YY M MM MMM MMMM D DD d dd ddd dddd H HH h hh a A m mm s ss SSS Z ZZ [at]')",
                "24 2 02 Feb February 29 29 4 Th Thu Thursday 13 13 1 01 pm PM 4 04 5 05 678 +00:00 +0000 at"
            ),
            ("d('2024-01-31').add(1, 'month').format('YYYY-MM-DD')", "2024-02-29"),
            ("d('2024-02-29').add(1, 'year').format('YYYY-MM-DD')", "2025-02-28"),
            ("d('2024-03-31').subtract(1, 'M').toISOString()", "2024-02-29T00:00:00.000Z"),
            ("d('2024-05-15T10:11:12.13Z').startOf('month').toISOString()", "2024-05-01T00:00:00.000Z"),
            ("d('2024-05-15T10:11:12Z').endOf('day').toISOString()", "2024-05-15T23:59:59.999Z"),
            ("d('2024-05-15').startOf('week').format('ddd D')", "Sun 12"),
            ("d('2024-05-15').startOf('year').unix()", 1_704_067_200),
            ("d('2024-05-15').endOf('quarter').format('MM-DD')", "06-30"),
            ("d('2024-12-25').diff('2024-12-24T12:00:00', 'hour')", 12),
            ("d('2023-03-31').diff('2023-02-28', 'month')", 1), ("d('2023-02-28').diff('2023-03-31', 'month')", -1),
            ("d('2024-07-01').diff('2023-01-01', 'year', true)", 1.5),
            ("d('2024-01-02').diff('2024-01-01')", 86_400_000),
            (
                "d('2024-01-01').isBefore('2024-01-02') && d('2024-01-02').isAfter(d('2024-01-01')) && d('2024-01-01T05:00').isSame('2024-01-01', 'day')",
                true
            ),
            ("d.unix(1700000000).utc().format()", "2023-11-14T22:13:20Z"),
            ("d.unix(0).format()", "1970-01-01T00:00:00+00:00"),
            ("d.utc('2024-01-01 10:20').toISOString()", "2024-01-01T10:20:00.000Z"), ("d('nonsense').isValid()", false),
            ("d('nonsense').format()", "Invalid Date"), ("d(null).isValid()", false), ("d(new Date(5)).valueOf()", 5),
            ("d(7).toDate()", "1970-01-01T00:00:00.007Z"),
            (
                "[d('2024-05-15').year(), d('2024-05-15').month(), d('2024-05-15').date(), d('2024-05-15').day(), d('2024-05-15').hour(7).hour()]",
                [2024, 4, 15, 3, 7]
            ),
            // What the package's own source answers: months count from the later day of the month; days are whole;
            // anything that is no unit counts milliseconds.
            ("[d('2023-01-31').diff('2023-02-28', 'month'), d('2023-02-28').diff('2023-01-31', 'month')]", [-1, 1]),
            ("d('2023-03-31').diff('2023-02-28', 'month', true)", 1),
            ("d('2024-01-31').diff('2024-03-01', 'M', true) + d('2024-03-01').diff('2024-01-31', 'M', true)", 0),
            ("d('2024-01-01').add(1.5, 'day').toISOString()", "2024-01-03T00:00:00.000Z"),
            ("d('2024-01-01').subtract(0.5, 'week').toISOString()", "2023-12-29T00:00:00.000Z"),
            (
                "[d(5).endOf('ms'), d(5).endOf(), d(5).endOf('x'), d(5).add(7), d(5).diff(d(9), 'x')].map(Number)",
                [5, 5, 5, 12, -4]
            ),
            ("[d(5).isBefore(d(6), 'ms'), d(5).isBefore(d(5), 'ms'), d(5).isSame(d(5), 'ms')]", [true, false, true]),
            (
                "['20230115103000', '202301', '2023-01-15T', '2023/1/5 7', '2023-13-01'].map(t => d(t).unix())",
                [1_673_778_600, 1_672_531_200, 1_673_740_800, 1_672_902_000, 1_704_067_200]
            ),
            ("d('2023-01-15 10:30:45.5').toISOString()", "2023-01-15T10:30:45.005Z"),
            ("[d().locale(), d(0).locale('de').format('MMM'), d.locale()]", ["en", "Jan", "en"]),
            ("d('2024-05-15').set('month', 1).daysInMonth()", 29),
            ("{at: d('2024-01-01')}", ["at": "2024-01-01T00:00:00.000Z"]), ("d.isDayjs(d())", true),
        ]
        try await Workers.with { pool in
            for (source, expected) in rows {
                #expect(await pool.value(of: "const d = require('dayjs'); return (\(source))") == expected, "\(source)")
            }
        }
    }

    @Test("EE-NC13 writes to the console, up to 16 KiB, and that changes nothing")
    func console() async throws {
        try await Workers.with { pool in
            let report = await pool.run(
                "console.log('a', 1, {b: 2n}, [null]); console.error(new TypeError('t')); return console.log('c')")
            #expect(
                report.console == ["a 1 {\"b\":\"2\"} [null]", "TypeError: t", "c"]
                    && report.result == .success(.undefined))
            let failing = await pool.run("console.log('before'); throw new Error('x')")
            #expect(failing.console == ["before"] && failing.result == .failure(.thrown("Error: x")))
            let long = await pool.run("for (let i = 0; i < 100000; i++) console.log('x'.repeat(100)); return 7")
            #expect(long.result == .success(.json(7)))
            #expect(
                long.console.reduce(0) { $0 + $1.utf8.count } < 17_000 && long.console.last?.contains("16384") == true)
        }
    }

    @Test("finds the helpers, the random generator, and its variables")
    func environment() async throws {
        let rows: [(String, JSONValue)] = [
            (
                "return [toBigInt('5') + 1n, bigCmp('2', '10'), bigGt('3', 2), bigLt(1n, 2), parseUnit('1.5', 6), parseUnit('-2')]",
                ["6", -1, true, true, "1500000", "-2000000000000000000"]
            ),
            ("const a = crypto.getRandomValues(new Uint8Array(64)); return a.some(b => b) && a.length", 64),
            ("const b = new Uint8Array(8); crypto.getRandomValues(b.subarray(4)); return b.slice(0, 4)", [0, 0, 0, 0]),
            ("try { crypto.getRandomValues(new Uint8Array(65537)) } catch (e) { return e.name }", "TypeError"),
            ("try { crypto.getRandomValues(new Float64Array(1)) } catch (e) { return e.name }", "TypeError"),
            ("return [settings.n, Date, typeof Math]", [3, "shadowed", "object"]),
            ("settings.n = 9; return settings.n", 9),
            ("const settings = 1; return settings", 1),
        ]
        try await Workers.with { pool in
            for (source, expected) in rows {
                #expect(
                    await pool.value(of: source, ["settings": ["n": 3], "Date": "shadowed"]) == expected, "\(source)")
            }
        }
    }
}
