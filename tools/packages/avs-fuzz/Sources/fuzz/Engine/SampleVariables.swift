import AVSPrimitives
import FuzzInputs

/// The variables that templates and expressions see: every kind of value, names of prototypes, texts with markers and
/// quotes, numbers at the edges of doubles.
enum SampleVariables {
    static let json = #"""
        {
          "a": {"data": {"n": 3, "s": "abc", "e": "", "t": true, "f": false, "x": null, "list": [7, [8, "x"], {"k": 1}],
                         "wei": "90071992547409931", "neg": -2.5, "big": 1e21, "tiny": 5e-324, "max": 1.7976931348623157e308,
                         "uni": "Zo\u00eb\ud83d\ude00", "quote": "He said \"hi\"\n\\", "marker": "{{a.data.n}}", "": "empty"}},
          "o": {"length": 9, "0": "zero", "01": "one", "a-b": 1, "toString": "own", "\u00e9": "composed", "e\u0301x": 2,
                "__proto__": 5, "constructor": 6},
          "list": [], "s": "text", "n": 0, "t": true, "f": false, "x": null, "length": 4, "Math": {"PI": 3}, "$": 1, "_": 2,
          "\u00e9": "e"
        }
        """#

    /// Parsed anew for each target: LeakSanitizer does not see what a global of Swift's enums holds at the end.
    static func values() throws -> [String: JSONValue] {
        guard let values = try JSONValue(parsing: json).objectValue else { throw Finding("the sample variables are none") }
        return values
    }

    /// What expressions over them are made of.
    static let words = [
        "a", ".data", ".n", ".s", ".list", ".x", ".uni", ".wei", ".length", "[0]", "[1]", "[2]", "[3]", "['k']", "[\"n\"]", "?.",
        ".", "[", "]", "(", ")", "o", ".a-b", "[\"a-b\"]", "['01']", "[01]", "[-0]", "[1e0]", ".__proto__", ".constructor",
        ".toString", "list", "s", "n", "x", "nope", "Math", ".PI", "length", "$", "_", "é", "e\u{301}", ".é", " ", "\n", "\u{85}",
        "\u{FEFF}", "===", "!==", "==", "!=", "<=", ">=", "<", ">", "&&", "||", "!", "-", "+", "typeof ", "null", "undefined",
        "NaN", "Infinity", "true", "0", "1.5", ".5", "1e999", "0x10", "08", "99999999999999999999", "'a'", "\"\\n\"", "'\\u0041'",
    ]
}
