import AVSPrimitives

/// Names that mean something to JavaScript itself.
enum JavaScriptNames {
    /// Keywords and words that are reserved in some mode: no variable has such a name.
    static func isReserved(_ name: String) -> Bool { reserved.contains(name) }

    /// A global that a variable could be mistaken for: an engine knows it, we do not.
    /// The global object inherits the members of all objects.
    static func isGlobal(_ name: String) -> Bool { globals.contains(name) || objectMembers.contains(name) }

    /// A member that the prototype of the value has. It is a function, so it is the engine's.
    static func isInherited(_ name: String, by value: JSONValue) -> Bool {
        if objectMembers.contains(name) { return true }
        return switch value {
        case .array: arrayMembers.contains(name)
        case .string: stringMembers.contains(name)
        case .number: numberMembers.contains(name)
        case .object, .bool, .null: false
        }
    }

    /// The words that no template or branch expression may contain as a whole identifier (execution-engine.md 3.3).
    static func containsForbiddenWord(_ text: String) -> Bool {
        text.unicodeScalars.split { !ExpressionLexer.continuesName($0) }
            .contains { forbidden.contains(String($0)) }
    }

    private static let forbidden: Set<String> = [
        "eval", "Function", "setTimeout", "setInterval", "require", "import", "export", "global", "process",
        "constructor", "prototype", "__proto__",
    ]

    private static let reserved: Set<String> = [
        "arguments", "async", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default",
        "delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function", "if",
        "implements", "import", "in", "instanceof", "interface", "let", "new", "null", "package", "private",
        "protected", "public", "return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "var",
        "void", "while", "with", "yield",
    ]

    private static let globals: Set<String> = [
        "AggregateError", "Array", "ArrayBuffer", "Atomics", "BigInt", "BigInt64Array", "BigUint64Array", "Boolean",
        "DataView", "Date", "Error", "EvalError", "Float32Array", "Float64Array", "Function", "Int16Array",
        "Int32Array", "Int8Array", "Intl", "Iterator", "JSON", "Map", "Math", "Number", "Object", "Promise", "Proxy",
        "RangeError", "ReferenceError", "Reflect", "RegExp", "Set", "SharedArrayBuffer", "String", "Symbol",
        "SyntaxError", "TypeError", "URIError", "Uint16Array", "Uint32Array", "Uint8Array", "Uint8ClampedArray",
        "WeakMap", "WeakRef", "WeakSet", "WebAssembly", "bigCmp", "bigGt", "bigLt", "console", "crypto", "decodeURI",
        "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "globalThis", "isFinite", "isNaN",
        "parseFloat", "parseInt", "parseUnit", "toBigInt", "unescape",
    ]

    private static let objectMembers: Set<String> = [
        "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__", "constructor",
        "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf",
    ]

    private static let arrayMembers: Set<String> = [
        "at", "concat", "copyWithin", "entries", "every", "fill", "filter", "find", "findIndex", "findLast",
        "findLastIndex", "flat", "flatMap", "forEach", "includes", "indexOf", "join", "keys", "lastIndexOf", "map",
        "pop", "push", "reduce", "reduceRight", "reverse", "shift", "slice", "some", "sort", "splice", "toReversed",
        "toSorted", "toSpliced", "unshift", "values", "with",
    ]

    private static let stringMembers: Set<String> = [
        "anchor", "at", "big", "blink", "bold", "charAt", "charCodeAt", "codePointAt", "concat", "endsWith", "fixed",
        "fontcolor", "fontsize", "includes", "indexOf", "isWellFormed", "italics", "lastIndexOf", "link",
        "localeCompare", "match", "matchAll", "normalize", "padEnd", "padStart", "repeat", "replace", "replaceAll",
        "search", "slice", "small", "split", "startsWith", "strike", "sub", "substr", "substring", "sup",
        "toLocaleLowerCase", "toLocaleUpperCase", "toLowerCase", "toUpperCase", "toWellFormed", "trim", "trimEnd",
        "trimLeft", "trimRight", "trimStart",
    ]

    private static let numberMembers: Set<String> = ["toExponential", "toFixed", "toPrecision"]
}
