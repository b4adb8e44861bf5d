import Testing

@testable import AVSWorkflow

@Suite("Custom code, as it is run")
struct ScriptProgramTests {
    @Test(
        "is a script unless a line asks for more (5.6.1)",
        arguments: [
            ("1+2", ScriptProgram.Form.script), ("({a:1})", .script), ("// return\n7", .script),
            ("/* require('x') */\n7", .script), ("returned = 1", .script), ("return 1", .body),
            ("if (a) {\n return 1 }", .body), ("const d = require(\"dayjs\"); d", .body), ("'return'; 5", .body),
            ("export const a = 1", .body), ("a => {return a}", .body), ("importer = 1", .script),
        ])
    func form(_ source: String, _ form: ScriptProgram.Form) {
        let program = ScriptProgram(source)
        #expect(program.form == form && program.source == source)
    }

    @Test(
        "has calls in place of its imports",
        arguments: [
            ("import d from 'dayjs'\nreturn d", "const d = require(\"dayjs\"); \nreturn d"),
            ("import * as n from \"lodash\"; return n", "const n = require(\"lodash\");  return n"),
            ("import {a, b as c} from 'm'", "const {a, b: c} = require(\"m\"); "),
            (
                "import {\n  a,\n  b as c,\n} from 'm';\nimport d, {e} from 'n';\nreturn 1",
                "const {a, b: c} = require(\"m\"); const d = require(\"n\"); const {e} = require(\"n\"); \n\nreturn 1"
            ),
            ("import x, * as y from 'm'; 1", "const x = require(\"m\"); const y = require(\"m\");  1"),
            ("import 'm'; return 2", "require(\"m\");  return 2"),
            ("let a = 1; import {v4} from 'uuid'\nreturn v4", "const {v4} = require(\"uuid\"); let a = 1; \nreturn v4"),
            ("import {default as d} from 'm'", "const d = require(\"m\"); "),
            ("import {} from 'm'", "const {} = require(\"m\"); "),
            ("import {a, default as d} from 'm'", "const d = require(\"m\"); const {a} = require(\"m\"); "),
            (
                "/* import a from 'a'\nimport b from 'b' */ import c from 'c'\n// `\nimport d from 'd' // it's",
                "const c = require(\"c\"); const d = require(\"d\"); /* import a from 'a'\nimport b from 'b' */ \n// `\n// it's"
            ),
            (
                "import a from 'a'; const s = `\\`\nimport b from 'b'`",
                "const a = require(\"a\");  const s = `\\`\nimport b from 'b'`"
            ),
            ("const q = '\nimport b from 'b'", "const b = require(\"b\"); const q = '\n"),
        ])
    func imports(_ source: String, _ rewritten: String) {
        let program = ScriptProgram(source)
        #expect(program.source == rewritten && program.form == .body)
    }

    @Test(
        "keeps what is no import",
        arguments: [
            "import(x)", "import {a from 'm'", "import d 'm'", "import d from m", "import d from 'm",
            "import * n from 'm'",
            "import {a as} from 'm'", "const s = \"import d from 'm'\"", "import", "import d from 'a\\'b'",
            "/*\nimport a from 'b'\n*/ return 1", "return `\nimport a from 'b'\n`", "// import a from 'b'", "/* import a from 'b'",
            "`import a from 'b'\n;import c from 'd'", "return 1 //\\",
        ])
    func kept(_ source: String) {
        #expect(ScriptProgram(source).source == source)
    }
}
