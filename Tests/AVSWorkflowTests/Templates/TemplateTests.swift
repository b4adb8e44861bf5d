import AVSModel
import AVSPrimitives
import Testing

@testable import AVSWorkflow

private let variables: [String: JSONValue] = [
    "settings": ["runner": "0xAb", "n": 3, "none": nil, "secret": "s3cret"],
    "api": ["data": ["user": ["name": "Zoë"], "ids": [7, 8], "flag": false, "none": nil]],
    "t": ["headers": ["X-Trace": "z1", "X-Y-Z": ["v": 1]], "data": ["q": "a b", "evil": "{{settings.secret}}"]],
    "a": ["data": ["msg": "He said \"hi\"\n", "obj": ["k": 1], "num": 42, "list": ["a", "b"], "html": "<&>"]],
    "processedAt": "now", "h": ["X-Y-Z": "w"],
]

private func render(_ text: String, style: TemplateResolver.Style = .plain) async throws -> TemplateResolver.Rendered {
    try await TemplateResolver(variables: variables, scripts: SimpleScriptRunner()).render(
        text, in: "body", style: style)
}

private func failure(of text: String, in context: String = "url") async -> NodeFailure? {
    do throws(NodeFailure) {
        _ = try await TemplateResolver(variables: variables, scripts: SimpleScriptRunner()).resolve(text, in: context)
        return nil
    } catch {
        return error
    }
}

@Suite("A template")
struct TemplateTests {
    @Test(
        "EE-3.11 renders the examples",
        arguments: [
            ("id={{api.data.ids[1]}}", "id=8"),
            ("{{api.data.user}}", #"{"name":"Zoë"}"#),
            ("{{api.data.ids}}", "[7,8]"),
            ("{{api.data.flag}}", "false"),
            ("{{api.data.none}}", "undefined"),
            ("{{t.headers.X-Trace}}", "z1"),
            ("{{my-var.x}}", "undefined"),
            ("{{ }}", ""),
            ("{{eval(\"1\")}}", "undefined"),
            ("{{api.data.user.name.length}}", "3"),
            ("a{{settings.n}}b{{settings.n}}c", "a3b3c"),
            ("{{ settings.runner }}", "0xAb"),
            ("{{api[\"data\"]['user'].name}}", "Zoë"),
            ("{{settings.n > 2}}", "true"),
        ])
    func examples(text: String, expected: String) async throws {
        #expect(try await render(text).text == expected)
    }

    @Test(
        "keeps unclosed and lone braces, deletes empty and nested markers",
        arguments: [
            ("{{", "{{"), ("}}", "}}"), ("{{open", "{{open"), ("close}}", "close}}"), ("}} {{settings.n}}", "}} 3"),
            ("{{}}", ""), ("x{{ a {{settings.n}} y", "x y"), ("{{{settings.n}}}", "undefined}"), ("", ""),
            ("{ {settings.n} }", "{ {settings.n} }"), ("{{settings.n}}}}", "3}}"), ("{{settings.n}", "{{settings.n}"),
        ])
    func braces(text: String, expected: String) async throws {
        #expect(try await render(text).text == expected)
    }

    @Test("EE-P8 reads names with hyphens behind the first one only")
    func hyphens() async throws {
        #expect(try await render("{{h.X-Y-Z}} {{t.headers.X-Y-Z.v}}").text == "w 1")
        #expect(try await render("{{a-b.c}}").text == "undefined")
        #expect(await failure(of: "{{a-b.c}}") != nil)
    }

    @Test(
        "EE-P9 refuses forbidden words as whole identifiers",
        arguments: [
            "{{constructor}}", "{{process.env}}", "{{require(\"fs\")}}", "{{settings.__proto__}}", "{{a.constructor}}",
            "{{global.x}}", "{{settings['prototype']}}",
        ])
    func forbidden(text: String) async throws {
        #expect(try await render(text).text == "undefined")
        #expect(await failure(of: text)?.message.hasPrefix("could not resolve variable ") == true)
    }

    @Test("accepts names that only contain a forbidden word (Q1)")
    func wholeWords() async throws {
        #expect(try await render("{{processedAt}}").text == "now")
    }

    @Test("EE-P10 does not expand what a value brought along")
    func singlePass() async throws {
        #expect(try await render("{{t.data.evil}}").text == "{{settings.secret}}")
        #expect(try await render("{{t.data.evil}}{{settings.n}}").text == "{{settings.secret}}3")
    }

    @Test("INP-1 tells names apart by their bytes, also when both stand in one template")
    func canonicallyEqualNames() async throws {
        let resolver = TemplateResolver(variables: ["\u{e9}": "e", "z": 1], scripts: SimpleScriptRunner())
        let rendered = try await resolver.render("{{e\u{301}}} {{\u{e9}}} {{e\u{301}}}", in: "body")
        #expect(rendered.text == "undefined e undefined")
        #expect(rendered.unresolved.map { Array($0.expression.utf8) } == [Array("e\u{301}".utf8)])
        let both = try await resolver.render("{{\u{e8}}} {{e\u{300}}}", in: "body")
        #expect(both.unresolved.count == 2)
    }

    @Test("expands more than a hundred markers (Q3)")
    func manyMarkers() async throws {
        let text = String(repeating: "{{settings.n}}", count: 500)
        #expect(try await render(text).text == String(repeating: "3", count: 500))
    }

    @Test("EE-P6 prints objects and arrays as JSON, without HTML escapes")
    func json() async throws {
        #expect(try await render("{{a.data.obj}} {{a.data.list}} {{a.data.html}}").text == #"{"k":1} ["a","b"] <&>"#)
    }

    @Test(
        "prints numbers as JavaScript does (Q4)",
        arguments: [
            (1_234_567.5, "1234567.5"), (0.00001, "0.00001"), (1e21, "1e+21"),
            (9_007_199_254_740_992, "9007199254740992"),
            (-0.0, "0"), (.nan, "NaN"), (-.infinity, "-Infinity"),
        ])
    func numbers(number: Double, expected: String) {
        #expect(TemplateText.plain(.json(.number(number))) == expected)
    }

    @Test("prints script values: BigInt, dates")
    func scriptValues() throws {
        #expect(TemplateText.plain(.bigInt("90071992547409932")) == "90071992547409932")
        let date = try #require(Timestamp(iso8601: "2026-01-15T10:30:00.000Z"))
        #expect(TemplateText.plain(.date(date)) == "2026-01-15 10:30:00.000 +0000 UTC")
    }

    @Test(
        "EE-3.5 EE-P7 escapes values inside JSON strings",
        arguments: [
            (#"{"m":"{{a.data.msg}}"}"#, #"{"m":"He said \"hi\"\n"}"#),
            (#"{"o":"{{a.data.obj}}"}"#, #"{"o":"{\"k\":1}"}"#),
            (#"{"n":"{{a.data.num}}"}"#, #"{"n":"42"}"#),
            (#"{"l":"{{a.data.list}}"}"#, #"{"l":"[\"a\",\"b\"]"}"#),
            (#"{"n":{{a.data.num}},"o":{{a.data.obj}},"\"":"\\{{a.data.num}}"}"#, #"{"n":42,"o":{"k":1},"\"":"\\42"}"#),
            (#"{"s":{{a.data.msg}}}"#, #"{"s":He said \"hi\"\n}"#),
        ])
    func jsonBody(text: String, expected: String) async throws {
        #expect(try await render(text, style: .json).text == expected)
    }

    @Test("cut at any offset leaves its plain text as it was")
    func cuts() async throws {
        let text =
            #"pre {{settings.n}} "q" {{a.data["obj"]}} \ {{ t.headers.X-Trace }}{{}} é{{api.data.ids[0] > 1}} post"#
        for length in 0...text.unicodeScalars.count {
            let prefix = String(String.UnicodeScalarView(text.unicodeScalars.prefix(length)))
            for style in [TemplateResolver.Style.plain, .json] {
                let rendered = try await render(prefix, style: style)
                #expect(rendered.unresolved.isEmpty)
                // Nothing but whole markers changes.
                let parts = Template(prefix).pieces.compactMap { piece in
                    if case .text(let text) = piece { text } else { nil }
                }
                var rest = rendered.text[...]
                for part in parts {
                    let range = try #require(rest.firstRange(of: part))
                    rest = rest[range.upperBound...]
                }
            }
        }
    }

    @Test("refuses a template over 100 KiB, but not a plain text")
    func sizes() async throws {
        let long = String(repeating: "x", count: TemplateResolver.sizeLimitBytes)
        #expect(try await render(long + "y").text.utf8.count == long.utf8.count + 1)
        let failure = await failure(of: long + "{{settings.n}}", in: "body")
        #expect(failure?.code == .invalidNodeConfig)
        #expect(failure?.message == "body template exceeds maximum size limit: 102414 bytes (max: 102400 bytes)")
    }

    @Test("refuses a result that grows beyond 10 MiB")
    func resultSize() async {
        let big: [String: JSONValue] = ["b": .string(String(repeating: "x", count: 1 << 20))]
        let resolver = TemplateResolver(variables: big, scripts: SimpleScriptRunner())
        let failure = await #expect(throws: NodeFailure.self) {
            try await resolver.resolve(String(repeating: "{{b}}", count: 11), in: "body")
        }
        #expect(failure?.code == .invalidNodeConfig)
    }
}

@Suite("An unresolved variable")
struct UnresolvedTests {
    @Test("EE-3.6 EE-P1 is named with the field and the node to run first")
    func message() async {
        let failure = await failure(of: "https://x/{{nope.data.id}}", in: "url")
        #expect(
            failure?.message
                == "could not resolve variable nope.data.id in url. Make sure to run the 'nope' node first")
        #expect(failure?.code == .unspecified)
    }

    @Test(
        "EE-P3 of a system name gives no hint", arguments: ["settings.nothing", "apContext.configVars.k", "context.id"])
    func systemName(expression: String) async {
        #expect(await failure(of: "{{\(expression)}}")?.message == "could not resolve variable \(expression) in url")
    }

    @Test("EE-P2 is listed alone when its neighbours resolve")
    func onlyMissing() async {
        let failure = await failure(of: #"["{{settings.runner}}","{{q.data.b}}"]"#, in: "method 'f'")
        #expect(
            failure?.message
                == "could not resolve variable q.data.b in method 'f'. Make sure to run the 'q' node first")
    }

    @Test("is listed once, with the others")
    func list() async {
        let failure = await failure(of: "{{x.a}} {{y.b}} {{x.a}}")
        #expect(failure?.message == "could not resolve variable x.a, y.b in url. Make sure to run the 'x' node first")
    }

    @Test("is null as well, but not the word undefined (Q6)")
    func undefinedWord() async throws {
        #expect(await failure(of: "{{api.data.none}}") != nil)
        let resolver = TemplateResolver(variables: ["w": "undefined"], scripts: SimpleScriptRunner())
        #expect(try await resolver.resolve("{{w}} undefined", in: "url") == "undefined undefined")
    }

    @Test("that needs more than a path says so")
    func needsJavaScript() async {
        #expect(
            await failure(of: "{{ settings.n * 2 }}")?.message
                == "could not resolve variable settings.n * 2 in url: '*' in an expression needs the JavaScript engine, which does not run here"
        )
    }
}

@Suite("A filter's template")
struct FilterTemplateTests {
    private let variables: [String: JSONValue] = [
        "u": ["name": ["first": "Ann"]], "n": 42, "b": true, "list": ["p", "q"], "z": nil,
        "c": ["data": ["items": [["id": "k9"]]]],
    ]

    @Test(
        "EE-3.7 leaves in place what has no value",
        arguments: [
            ("hello {{u.name.first}}", "hello Ann"), ("n={{n}}", "n=42"), ("b={{b}}", "b=true"), ("{{list.1}}", "q"),
            ("{{c.data.items.0.id}}", "k9"), ("x {{nope}}", "x {{nope}}"), ("x {{u.nope.deep}}", "x {{u.nope.deep}}"),
            ("{{", "{{"), ("}}", "}}"), ("{{open", "{{open"), ("close}}", "close}}"), ("{{date.now}}", "1767225600123"),
            ("{{date.now_iso}}", "2026-01-01T00:00:00.123Z"), ("{{date.then}}", "{{date.then}}"),
            ("{{z}}", "undefined"),
            ("{{process.env}}", "undefined"), ("{{a-b.c}}", "{{a-b.c}}"), ("{{ }}", "{{ }}"),
        ])
    func table(text: String, expected: String) async {
        let now = Timestamp(milliseconds: 1_767_225_600_123)
        let result = await FilterTemplate.substitute(
            text, variables: variables, scripts: SimpleScriptRunner(), now: now)
        #expect(result == expected)
    }

    @Test("stops after ten failures in a row")
    func stops() async {
        let text = String(repeating: "{{nope}}", count: 10) + "{{n}}"
        let result = await FilterTemplate.substitute(
            text, variables: variables, scripts: SimpleScriptRunner(), now: Timestamp(milliseconds: 0))
        #expect(result == text)
    }
}
