/// What Node.js 20.20.2 answers to `(<expression>)`, each in a context of its own with ``variables`` as globals:
/// the expression as a JSON string, then `undefined`, `number <String(n)>`, `json <value>`, `function`, `bigint` or
/// `throws <error name>`.
///
/// The first expressions are written by hand; the comparisons at the end were drawn with a linear congruential
/// generator (seed 20260117) from 43 operands and the eight operators.
enum JavaScriptVectors {
    static let variables = #"""
        {"v": {"n": 3, "z": 0, "neg": -2.5, "big": 1e+21, "s": "abc", "num": "10", "hex": "0x1F", "blank": "  ", "empty": "", "t": true, "f": false, "nul": null, "list": [7, 8, "x"], "nested": {"deep": {"a-b": 1, "0": "zero"}}, "uni": "Zoë😀", "float": "535.124566", "e": "1e3", "inf": "-Infinity", "sep": "1_0"}, "amount": 1000000, "flag": false}
        """#

    static let lines = #"""
        "v.nested.deep['a-b']" => number 1
        "v.nested.deep[0]" => json "zero"
        "v.nested.deep[\"0\"]" => json "zero"
        "v.list[1]" => number 8
        "v.list['1']" => number 8
        "v.list['01']" => undefined
        "v.list[3]" => undefined
        "v.list[-1]" => undefined
        "v.list[1.5]" => undefined
        "v.s[1]" => json "b"
        "v.s[5]" => undefined
        "v.uni.length" => number 5
        "v.uni[0]" => json "Z"
        "v.uni[3]" => json "\ud83d"
        "v['n']" => number 3
        "v?.n" => number 3
        "v.nul?.x" => undefined
        "v.nul?.x.y.z" => undefined
        "v.missing?.[0]" => undefined
        "v.nul.x" => throws TypeError
        "v.missing.x" => throws TypeError
        "nope" => throws ReferenceError
        "nope.x" => throws ReferenceError
        "nope?.x" => throws ReferenceError
        "typeof nope" => json "undefined"
        "typeof nope.x" => throws ReferenceError
        "typeof v.nope" => json "undefined"
        "typeof v" => json "object"
        "typeof v.nul" => json "object"
        "typeof v.n" => json "number"
        "typeof v.s" => json "string"
        "typeof v.t" => json "boolean"
        "typeof undefined" => json "undefined"
        "typeof v.missing.x" => throws TypeError
        "typeof v.list" => json "object"
        "!v" => json false
        "!v.z" => json true
        "!v.empty" => json true
        "!v.blank" => json false
        "!!v.n" => json true
        "!v.nul" => json true
        "!v.list" => json false
        "-v.n" => number -3
        "+v.num" => number 10
        "+v.s" => number NaN
        "-v.num" => number -10
        "+v.nul" => number 0
        "+v.t" => number 1
        "+v.missing" => number NaN
        "- -v.n" => number 3
        "!-1" => json false
        "typeof -v.num" => json "number"
        "typeof typeof v" => json "string"
        "v.n && v.s" => json "abc"
        "v.z && v.s" => number 0
        "v.z || v.s" => json "abc"
        "v.n || v.s" => number 3
        "v.nul || v.missing" => undefined
        "v.n > 1 && v.s === 'abc'" => json true
        "v.n > 5 || v.s === 'abc'" => json true
        "v.n > 5 || v.s === 'x' || v.t" => json true
        "v.t && v.f || v.n" => number 3
        "v.f || v.t && v.n" => number 3
        "(v.f || v.t) && v.n" => number 3
        "!(v.n > 1)" => json false
        "((v.n))" => number 3
        "(v).n" => number 3
        "(v.nested).deep.length" => undefined
        "1 < 2 < 3" => json true
        "3 > 2 > 1" => json false
        "1 == 1 == 1" => json true
        "1 === 1 === true" => json true
        "v.n === v.list[0] === false" => json true
        "!v.t === v.f" => json true
        "!v.t == false" => json true
        "typeof v.n === 'number'" => json true
        "typeof v.nope === \"undefined\"" => json true
        "(v.nul?.x).y" => throws TypeError
        "v.list[v.z]" => number 7
        "v[v.s]" => undefined
        "v.nested.deep[v.z]" => json "zero"
        "v.nested[v.nul]" => undefined
        "v.list[v.t]" => undefined
        "v.number" => undefined
        "v.nested.keys" => undefined
        "v.nested.filter" => undefined
        "amount > 999999" => json true
        "amount === 1000000" => json true
        "flag === false" => json true
        "'a' < 'b'" => json true
        "'a' < 'B'" => json false
        "'10' < '9'" => json true
        "'10' < 9" => json false
        "'\\n' == 0" => json true
        "'a\\tb'.length" => number 3
        "'it\\'s'" => json "it's"
        "v.s == 'abc'" => json true
        "null >= 0" => json true
        "null > 0" => json false
        "null == 0" => json false
        "undefined == 0" => json false
        "'' == 0" => json true
        "'  12  ' == 12" => json true
        "'12px' == 12" => json false
        "'0b101' == 5" => json true
        "'0o17' == 15" => json true
        "'0x' == 0" => json false
        "'1e1000' == Infinity" => json true
        "'-0x1F' == -31" => json false
        "'+5' == 5" => json true
        "'.5' == 0.5" => json true
        "'5.' == 5" => json true
        "'Infinity' == Infinity" => json true
        "'infinity' == Infinity" => json false
        "1e21" => number 1e+21
        "1e-7" => number 1e-7
        "0.1" => number 0.1
        "123456789012345680000" => number 123456789012345680000
        "1.5e300" => number 1.5e+300
        "0.000001" => number 0.000001
        "5e-324" => number 5e-324
        "-0" => number 0
        "100" => number 100
        "9007199254740993" => number 9007199254740992
        "1/0" => number Infinity
        "1 +" => throws SyntaxError
        "" => throws SyntaxError
        "a b" => throws SyntaxError
        "v." => throws SyntaxError
        "v..n" => throws SyntaxError
        "v[" => throws SyntaxError
        "v[]" => throws SyntaxError
        "(v" => throws SyntaxError
        "v)" => throws SyntaxError
        "1 2" => throws SyntaxError
        "'abc" => throws SyntaxError
        "=== 1" => throws SyntaxError
        "v.n ===" => throws SyntaxError
        "&& v" => throws SyntaxError
        "v.n &&& v.s" => throws SyntaxError
        "v.n = 5" => number 5
        "v.n ? 1 : 2" => number 1
        "v.n + 1" => number 4
        "v.s.toUpperCase()" => json "ABC"
        "v.list.map" => function
        "v.s.trim" => function
        "v.n.toFixed" => function
        "v.toString" => function
        "v.__proto__" => json {}
        "new Date()" => json "2026-11-21T12:11:34.205Z"
        "Math.PI" => number 3.141592653589793
        "Number('5') > 1" => json true
        "BigInt(5)" => bigint
        "5n" => bigint
        "`x`" => json "x"
        "/x/" => json {}
        "{a:1}" => json {"a":1}
        "[1,2]" => json [1,2]
        "function(){}" => function
        "()=>1" => function
        "v.n++" => number 3
        "--v.n" => number 2
        "v.n--" => number 3
        "v.n ?? 1" => number 3
        "v.n % 2" => number 1
        "v.n | 1" => number 3
        "v.n & 1" => number 1
        "~v.n" => number -4
        "v.n << 1" => number 6
        "v.n >> 1" => number 1
        "v.n ** 2" => number 9
        "this" => json {"v":{"n":3,"z":0,"neg":-2.5,"big":1e+21,"s":"abc","num":"10","hex":"0x1F","blank":"  ","empty":"","t":true,"f":false,"nul":null,"list":[7,8,"x"],"nested":{"deep":{"0":"zero","a-b":1}},"uni":"Zoë😀","float":"535.124566","e":"1e3","inf":"-Infinity","sep":"1_0"},"amount":1000000,"flag":false}
        "arguments" => throws ReferenceError
        "1_000" => number 1000
        "0x10" => number 16
        "010" => number 8
        "08" => number 8
        "0b1" => number 1
        "'\\u0041'" => json "A"
        "'\\x41'" => json "A"
        "v.class" => undefined
        "v.typeof" => undefined
        "class" => throws SyntaxError
        "if" => throws SyntaxError
        "let" => throws ReferenceError
        "void 0" => undefined
        "delete v.n" => json true
        "'s' in v" => json true
        "v instanceof Object" => json false
        "v.n, v.s" => json "abc"
        "v.n; v.s" => throws SyntaxError
        "v.n // c" => number 3
        "/* c */ v.n" => number 3
        " \t\n v.n \r\n" => number 3
        "v . n" => number 3
        "v\n.n" => number 3
        "v ?. n" => number 3
        "v.list [ 0 ]" => number 7
        "Zoë" => throws ReferenceError
        "$" => throws ReferenceError
        "_" => throws ReferenceError
        "v.n>1&&v.n<5" => json true
        "v.n>=3" => json true
        "v.n<=2" => json false
        "v.s !== -2.5" => json true
        "1e3 > v.nul" => json true
        "v.neg <= 'abc'" => json false
        "true < v.e" => json true
        ".5 == v.f" => json false
        "v.missing >= v.float" => json false
        "v.sep >= 'ABC'" => json false
        "'abc' !== v.e" => json true
        "1e3 < v.z" => json false
        "v.inf < 3" => json true
        "amount !== ''" => json true
        "v.float == v.nul" => json false
        "NaN >= v.s" => json false
        "3 == 'ABC'" => json false
        "v.neg <= v.num" => json true
        "v.blank == v.neg" => json false
        "NaN === undefined" => json false
        "'ABC' > v.blank" => json true
        "v.empty < -2.5" => json false
        "v.list.length <= v.list" => json false
        "true === NaN" => json false
        "3 !== 0" => json true
        "flag != v.num" => json true
        "\"10\" < .5" => json false
        "v.blank == true" => json false
        "amount >= v.t" => json true
        "Infinity > v.s" => json false
        "v.num != \"10\"" => json false
        "'abc' >= null" => json false
        "-2.5 !== v.neg" => json false
        "'ABC' === undefined" => json false
        "v.n == v.nul" => json false
        "'' < v.e" => json true
        "3 >= v.neg" => json true
        "v.z <= v.list.length" => json true
        "3 !== .5" => json true
        "v.list[2] == 'Z'" => json false
        "v.float != amount" => json true
        "v.list.length === v.empty" => json false
        "v.nested != v.list[2]" => json true
        "v.list[2] != \"10\"" => json true
        "'abc' !== v.nul" => json true
        "-2.5 <= v.big" => json true
        "v.neg === v.n" => json false
        "v.neg > flag" => json false
        "v.f < v.s" => json false
        "v.hex !== 3" => json true
        "true == v.nul" => json false
        "amount === v.inf" => json false
        "\"10\" == .5" => json false
        "undefined !== true" => json true
        "v.z === false" => json false
        "false !== v.neg" => json true
        "false === 'ABC'" => json false
        "v.list.length === v.s.length" => json true
        "v.hex < v.list[0]" => json false
        "v.f != v.s" => json true
        "0 < 'abc'" => json false
        "'é' > amount" => json false
        "amount > amount" => json false
        "undefined !== undefined" => json false
        "v.num <= Infinity" => json true
        "NaN !== v.blank" => json true
        "false !== false" => json false
        "v.empty < .5" => json true
        "v.empty < v.big" => json true
        "v.s.length == 1e3" => json false
        "NaN >= v.num" => json false
        "NaN == undefined" => json false
        "v.empty < v.hex" => json true
        "v.float < v.list[2]" => json true
        "v.nested < v.inf" => json false
        "3 != v.list" => json true
        "3 != v.sep" => json true
        "false > v.list[2]" => json false
        "Infinity != v.t" => json true
        "-2.5 === v.list[2]" => json false
        "5. != amount" => json true
        "false !== v.e" => json true
        "'ABC' == v.float" => json false
        "v.empty === v.nested" => json false
        "v.hex > 1e3" => json false
        "v.f != 'é'" => json true
        "v.nested !== v.big" => json true
        "v.nested !== 5." => json true
        "flag != v.list" => json true
        "v.list.length == NaN" => json false
        "Infinity === 5." => json false
        "v.hex >= 1e3" => json false
        "null === v.nul" => json true
        "v.blank === v.s.length" => json false
        ".5 !== v.f" => json true
        "v.empty == v.e" => json false
        "false < -2.5" => json false
        "'Z' == v.neg" => json false
        "flag >= v.neg" => json true
        "true != .5" => json true
        "v.nul < v.big" => json true
        "v.list <= v.t" => json false
        "'é' != v.blank" => json true
        "v.list.length === 0" => json false
        "v.f > undefined" => json false
        "3 != null" => json true
        "undefined <= v.t" => json false
        "\"10\" !== 'abc'" => json true
        "v.e < v.s" => json true
        "Infinity >= undefined" => json false
        "-2.5 > v.s.length" => json false
        "0 == \"10\"" => json false
        "v.empty < 3" => json true
        "v.list[2] === v.num" => json false
        "0 === NaN" => json false
        "NaN <= v.list[2]" => json false
        "true >= 'é'" => json false
        "v.nul <= 'abc'" => json false
        "'é' >= 5." => json false
        "v.s <= v.t" => json false
        "v.list == 'é'" => json false
        "v.e >= v.big" => json false
        "v.e != 5." => json true
        "v.nested === v.nested" => json true
        "v.sep >= 'é'" => json false
        "v.hex !== NaN" => json true
        "v.empty === -2.5" => json false
        "false != v.list[2]" => json true
        "amount > v.list[2]" => json false
        "flag <= null" => json true
        "1e3 == null" => json false
        "'é' >= v.t" => json false
        "v.list[0] == v.n" => json false
        "v.list[0] != v.blank" => json true
        "v.float === v.n" => json false
        "1e3 !== true" => json true
        "-2.5 >= 3" => json false
        "v.blank < v.big" => json true
        "v.missing === v.nested" => json false
        "flag <= NaN" => json false
        "v.z == NaN" => json false
        "-2.5 === v.inf" => json false
        "'abc' !== v.hex" => json true
        "'abc' <= v.list[2]" => json true
        "0 >= v.z" => json true
        "v.nul == 0" => json false
        "null <= v.float" => json true
        "v.list.length >= v.list[0]" => json false
        "null == v.list[0]" => json false
        "v.list <= v.float" => json false
        "\"10\" <= 0" => json false
        "v.list.length > v.list" => json false
        "'abc' !== v.missing" => json true
        "5. == 'é'" => json false
        "false < v.list" => json false
        "NaN === amount" => json false
        "1e3 != v.list[0]" => json true
        "5. < v.z" => json false
        "3 >= ''" => json true
        "-2.5 != \"10\"" => json true
        "v.list[0] === amount" => json false
        "v.float === -2.5" => json false
        "v.z <= v.num" => json true
        "v.num == v.nested" => json false
        "'Z' !== v.s" => json true
        "v.s.length <= v.float" => json true
        "v.e != v.t" => json true
        "1e3 === v.nul" => json false
        "flag <= true" => json true
        "v.missing === v.z" => json false
        "v.n > v.list" => json false
        "v.nul == v.sep" => json false
        "NaN >= v.neg" => json false
        "\"10\" !== .5" => json true
        "v.z != v.list[2]" => json true
        "v.num == .5" => json false
        "'Z' === v.t" => json false
        "v.s == v.num" => json false
        "v.f < v.nul" => json false
        "v.hex > v.float" => json false
        "\"10\" == v.big" => json false
        "v.inf < v.t" => json true
        "v.blank < v.nested" => json true
        "v.neg === v.sep" => json false
        "-2.5 !== \"10\"" => json true
        "v.empty < v.s" => json true
        "0 <= v.nested" => json false
        "v.list >= v.hex" => json true
        "v.list[2] >= 1e3" => json false
        "false == null" => json false
        "'abc' === .5" => json false
        "null < v.t" => json true
        "v.t >= 'ABC'" => json false
        "v.big >= v.s.length" => json true
        "'ABC' == v.empty" => json false
        "v.num == v.n" => json false
        "v.t !== v.missing" => json true
        "\"10\" <= v.neg" => json false
        "v.list.length !== v.list" => json true
        "v.s > v.sep" => json true
        "v.sep !== false" => json true
        "v.t === 'ABC'" => json false
        "'é' >= ''" => json true
        "v.list[0] <= 'Z'" => json false
        "undefined != NaN" => json true
        "v.list.length == false" => json false
        "1e3 < NaN" => json false
        "v.list === null" => json false
        "v.n > 5." => json false
        "5. <= v.empty" => json false
        "v.z < \"10\"" => json true
        "v.e >= 'ABC'" => json false
        "'abc' == false" => json false
        "v.hex !== v.empty" => json true
        "amount === v.list.length" => json false
        "0 <= v.s.length" => json true
        "\"10\" > v.s.length" => json true
        "v.blank != -2.5" => json true
        "v.empty <= \"10\"" => json true
        "0 < v.list" => json false
        "flag <= 'é'" => json false
        "true >= null" => json true
        "Infinity < v.float" => json false
        "flag < v.inf" => json false
        "'é' < v.num" => json false
        "v.empty == v.nested" => json false
        "NaN < true" => json false
        "v.e !== v.inf" => json true
        "v.blank >= v.t" => json false
        "v.float == v.blank" => json false
        "v.list[0] < v.e" => json true
        "'é' <= v.empty" => json false
        "'' > .5" => json false
        "5. !== v.z" => json true
        "v.sep <= v.neg" => json false
        "v.sep >= v.s.length" => json false
        "'' < v.sep" => json true
        "v.sep < 'abc'" => json true
        "flag === v.list[0]" => json false
        "v.f !== v.blank" => json true
        "0 > \"10\"" => json false
        "v.num !== flag" => json true
        "'' > 'é'" => json false
        "'Z' > undefined" => json false
        "v.list >= false" => json false
        "v.inf <= v.f" => json true
        "v.e != flag" => json true
        "v.nul == v.blank" => json false
        "v.s.length != v.s.length" => json false
        "0 === 5." => json false
        "v.list[2] === .5" => json false
        "v.list[2] <= v.list[2]" => json true
        "v.list[0] != Infinity" => json true
        "false === false" => json true
        "v.num >= true" => json true
        "v.inf != v.e" => json true
        "-2.5 >= v.e" => json false
        "v.t != v.t" => json false
        "amount > ''" => json true
        "v.n === v.missing" => json false
        "1e3 <= v.list[2]" => json false
        "v.blank < \"10\"" => json true
        "v.blank < v.hex" => json true
        "'' === .5" => json false
        "v.f === v.sep" => json false
        "amount === v.hex" => json false
        "v.list[2] !== v.e" => json true
        "v.nul < v.z" => json false
        "'ABC' != v.z" => json true
        "v.s.length < v.z" => json false
        "v.z != 5." => json true
        "0 == 'é'" => json false
        "'abc' != 'é'" => json true
        "v.nested >= null" => json false
        "v.n > 'Z'" => json false
        "v.nested == 'ABC'" => json false
        "v.big > NaN" => json false
        "amount == 'ABC'" => json false
        "'abc' != .5" => json true
        "3 == true" => json false
        "'abc' < v.neg" => json false
        "v.missing > v.empty" => json false
        "v.list[2] == 1e3" => json false
        "v.nul !== ''" => json true
        "v.s >= v.list" => json true
        "v.list.length != v.t" => json true
        "'' > Infinity" => json false
        "v.f === v.e" => json false
        "-2.5 < v.list.length" => json true
        "v.missing == v.blank" => json false
        "undefined > 3" => json false
        "v.list[2] === v.hex" => json false
        "v.list[0] !== 'ABC'" => json true
        "5. >= v.float" => json false
        "NaN < v.nul" => json false
        "v.s.length >= v.missing" => json false
        "'é' >= .5" => json false
        "5. == NaN" => json false
        "v.n == Infinity" => json false
        "v.t == v.list[0]" => json false
        "0 == v.big" => json false
        "5. !== flag" => json true
        "v.n == undefined" => json false
        "v.list.length !== v.sep" => json true
        "\"10\" < v.e" => json true
        "-2.5 === \"10\"" => json false
        "v.blank >= 'é'" => json false
        "v.e <= v.list[0]" => json false
        "v.float !== 3" => json true
        "v.float <= v.empty" => json false
        "'Z' !== 3" => json true
        "v.num < true" => json false
        "-2.5 <= v.n" => json true
        "v.list[0] !== false" => json true
        "v.z < v.t" => json true
        "NaN === v.inf" => json false
        "5. < v.n" => json false
        "0 > v.neg" => json true
        "\"10\" !== v.blank" => json true
        "v.empty === v.hex" => json false
        "v.nul === v.list.length" => json false
        "v.nested >= v.nul" => json false
        "'abc' >= -2.5" => json false
        "v.list[2] <= v.float" => json false
        "v.e != amount" => json true
        "v.t <= 'abc'" => json false
        "v.float < 0" => json false
        "v.s > 'é'" => json false
        "NaN < -2.5" => json false
        "v.inf >= v.blank" => json true
        ".5 < v.e" => json true
        "Infinity > flag" => json true
        "v.s === v.list[2]" => json false
        "v.blank > v.s.length" => json false
        "NaN == 'Z'" => json false
        "v.list >= v.list.length" => json false
        "v.nested >= 0" => json false
        "5. == v.f" => json false
        "v.s > NaN" => json false
        "v.empty <= 3" => json true
        "v.big != 3" => json true
        "v.neg !== v.big" => json true
        "amount !== v.big" => json true
        "v.inf == v.sep" => json false
        "v.e < false" => json false
        "'ABC' === 1e3" => json false
        "v.f > v.hex" => json false
        "v.hex != undefined" => json true
        "v.s > v.list" => json true
        "v.hex >= v.sep" => json false
        "5. !== null" => json true
        "v.list[0] > 'abc'" => json false
        "v.nested != v.inf" => json true
        "v.float >= null" => json true
        "Infinity == \"10\"" => json false
        "v.list[0] !== v.list.length" => json true
        "v.list[0] !== 0" => json true
        "v.big >= v.neg" => json true
        "-2.5 <= v.e" => json true
        "v.big === 5." => json false
        "v.big === 0" => json false
        "amount != v.s" => json true
        "v.z == ''" => json true
        "3 > v.z" => json true
        "v.neg < -2.5" => json false
        "amount >= 0" => json true
        "flag < 'ABC'" => json false
        "amount === v.neg" => json false
        "v.missing !== flag" => json true
        "amount == Infinity" => json false
        "'é' >= NaN" => json false
        ".5 !== v.nested" => json true
        "v.neg <= .5" => json true
        "v.nul != v.list" => json true
        "v.missing == 0" => json false
        "true != v.blank" => json true
        "v.float === 'ABC'" => json false
        "v.inf <= v.s.length" => json true
        "v.z != amount" => json true
        "NaN === .5" => json false
        "v.s < v.s" => json false
        "v.inf > v.big" => json false
        "v.n != NaN" => json true
        "v.s.length > 0" => json true
        "1e3 <= 'abc'" => json false
        "'é' > v.s" => json true
        "v.n !== 5." => json true
        "\"10\" === NaN" => json false
        "v.n == 'Z'" => json false
        "v.list[2] <= undefined" => json false
        "v.list > v.hex" => json true
        "-2.5 < v.empty" => json true
        "-2.5 >= 5." => json false
        "'é' !== 'Z'" => json true
        "v.list[2] == 'ABC'" => json false
        "'' === 'é'" => json false
        "v.num > v.e" => json false
        "'ABC' < -2.5" => json false
        "v.nul === ''" => json false
        "v.float != 'abc'" => json true
        "null <= flag" => json true
        "3 != v.blank" => json true
        "v.num <= v.inf" => json false
        "v.nul == 'é'" => json false
        "v.list < v.blank" => json false
        "0 > 'abc'" => json false
        "v.z < 5." => json true
        "v.float == v.s.length" => json false
        "undefined > flag" => json false
        "v.z == amount" => json false
        "undefined !== v.nested" => json true
        "v.s.length <= v.blank" => json false
        "v.empty === v.empty" => json true
        "false <= Infinity" => json true
        "'abc' > v.hex" => json true
        "v.empty === 'Z'" => json false
        "'é' == v.t" => json false
        "v.s.length < flag" => json false
        "\"10\" > 3" => json true
        "amount > -2.5" => json true
        "NaN >= Infinity" => json false
        "NaN < v.inf" => json false
        "\"10\" >= v.list[2]" => json false
        "v.inf !== undefined" => json true
        "'' <= v.t" => json true
        "v.empty <= v.list.length" => json true
        "false > v.sep" => json false
        "v.s == v.big" => json false
        "null != Infinity" => json true
        "v.z != 'é'" => json true
        "v.z !== v.hex" => json true
        "v.big <= amount" => json false
        "v.s.length === 'abc'" => json false
        "v.e > v.neg" => json true
        "'Z' != v.nested" => json true
        "'Z' !== -2.5" => json true
        "v.float !== v.sep" => json true
        "amount > .5" => json true
        "NaN > v.z" => json false
        "NaN != amount" => json true
        "v.e >= amount" => json false
        "'ABC' !== v.neg" => json true
        "null > v.f" => json false
        "null < v.num" => json true
        "false < .5" => json true
        "v.s != 'Z'" => json true
        "v.t == v.empty" => json false
        """#
}
