import AVSPrimitives

extension ScalarFormat where Value == String {
    /// Any text of 1 to `limit` bytes without control characters.
    static func line(_ limit: Int = 1_024) -> ScalarFormat {
        ScalarFormat("a text of 1 to \(Digits.grouped(limit)) bytes on one line", text: { $0 }) { text in
            isLine(text, limit) ? text : nil
        }
    }

    /// Any text of at most `limit` bytes, lines and all, without NUL.
    static func text(_ limit: Int) -> ScalarFormat {
        ScalarFormat("a text of up to \(Digits.grouped(limit)) bytes without NUL", text: { $0 }) { text in
            text.utf8.count <= limit && !text.utf8.contains(0) ? text : nil
        }
    }

    /// A path of the file system, relative ones to the folder of the configuration. `~` is not expanded.
    static var path: ScalarFormat {
        var format = ScalarFormat("a path of 1 to 4,095 bytes, not starting with ~", text: { $0 }) { text in
            isLine(text, 4_095) && !text.hasPrefix("~") ? text : nil
        }
        format.placed = { path, folder in FilePaths.resolve(path, in: folder) }
        return format
    }

    /// What may follow `configVars.` in a template.
    static var variableName: ScalarFormat {
        ScalarFormat("a name of 1 to 255 letters, digits and _", text: { $0 }) { text in
            let isFine = text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
            return isFine && (1...255).contains(text.utf8.count) ? text : nil
        }
    }

    private static func isLine(_ text: String, _ limit: Int) -> Bool {
        (1...limit).contains(text.utf8.count)
            && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}

extension ScalarFormat where Value == Sensitive<String> {
    /// A secret text of 1 to `limit` bytes without NUL.
    static func secret(_ limit: Int = 4_096) -> ScalarFormat {
        secret("a secret text of 1 to \(Digits.grouped(limit)) bytes") { text in
            (1...limit).contains(text.utf8.count) && !text.utf8.contains(0)
        }
    }

    /// A secp256k1 private key: 32 bytes in hex. Whether it is in the curve's range is checked where it is used.
    static var privateKey: ScalarFormat {
        secret("a private key: 64 hex digits with or without 0x, not all 0") { text in
            guard let key = Hash32(text) else { return false }
            return key != .zero
        }
    }

    private static func secret(
        _ allowed: String, isAllowed: @escaping @Sendable (String) -> Bool
    ) -> ScalarFormat {
        let mark = Sensitive<String>.mark
        return ScalarFormat(
            secret: "\(allowed), other than \(mark), which stands for a secret in printed configurations",
            text: { _ in mark }
        ) { text, acceptsMarks in
            if text.contains(mark) { return acceptsMarks && text == mark ? Sensitive(text) : nil }
            return isAllowed(text) ? Sensitive(text) : nil
        }
    }
}

extension ScalarFormat where Value: RawRepresentable<String> & CaseIterable {
    /// One of the raw values, byte by byte.
    static var choice: ScalarFormat {
        ScalarFormat("one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))", text: { $0.rawValue }) {
            text in
            Value.allCases.first { $0.rawValue.utf8.elementsEqual(text.utf8) }
        }
    }
}

extension ScalarFormat where Value == DecimalAmount {
    static func amount(upTo most: Int64) -> ScalarFormat {
        ScalarFormat(
            "a number from 0 to \(Digits.grouped(most)) with at most 6 decimals", style: .plain, text: \.description
        ) { text in
            guard let value = DecimalAmount(text), value <= DecimalAmount(millionths: most * 1_000_000) else {
                return nil
            }
            return value
        }
    }
}
