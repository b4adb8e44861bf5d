extension ScalarFormat where Value == Bool {
    /// `true` or `false`. YAML 1.1 also reads `yes`, `on` and more as booleans; one spelling is enough.
    static var boolean: ScalarFormat {
        ScalarFormat("true or false", style: .plain, text: { $0 ? "true" : "false" }) { text in
            switch text {
            case "true": true
            case "false": false
            default: nil
            }
        }
    }
}

extension ScalarFormat where Value: FixedWidthInteger {
    /// Decimal digits, `_` between them for reading. No sign but `-`, no leading zero: `010` is 8 to some readers of
    /// YAML and 10 to others.
    static func integer(_ bounds: ClosedRange<Value>) -> ScalarFormat {
        ScalarFormat(
            "an integer from \(Digits.grouped(bounds.lowerBound)) to \(Digits.grouped(bounds.upperBound))",
            style: .plain, text: { "\($0)" }
        ) { text in
            guard let value = Digits.integer(text, as: Value.self), bounds.contains(value) else { return nil }
            return value
        }
    }
}

extension ScalarFormat where Value == Duration {
    /// A number whose unit is in the key's name: `period_s`, `interval_minutes`. From 0 to 2⁶³ − 1 milliseconds.
    static func count(of unit: DurationUnit, _ bounds: ClosedRange<Int64>) -> ScalarFormat {
        let number = ScalarFormat<Int64>.integer(bounds)
        return ScalarFormat(
            "\(number.allowed) (\(unit.plural))", style: .plain,
            text: { "\($0.milliseconds / unit.milliseconds)" }
        ) { text in
            guard let count = number.parse(text, false) else { return nil }
            let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
            return overflow ? nil : .milliseconds(milliseconds)
        }
    }

    /// `500ms`, `15s`, `10m`, `12h`, `30d`, also joined from large to small as in `1h30m`.
    ///
    /// - Parameter zero: what `0` means where it is allowed beside `bounds`, such as `no limit`.
    static func duration(_ bounds: ClosedRange<Duration>, zero: String? = nil) -> ScalarFormat {
        let range = "from \(bounds.lowerBound.yaml) to \(bounds.upperBound.yaml)"
        let zeroClause = zero.map { ", or 0 for \($0)" } ?? ""
        return ScalarFormat(
            "a duration \(range) with a unit (ms, s, m, h, d), as in 90s or 1h30m\(zeroClause)", text: { $0.yaml }
        ) { text in
            guard let value = Duration(yaml: text) else { return nil }
            return bounds.contains(value) || (zero != nil && value == .zero) ? value : nil
        }
    }
}

extension ScalarFormat where Value == Int {
    /// `65536`, `64KiB`, `4MiB`, `2GiB`.
    static func byteCount(_ bounds: ClosedRange<Int>) -> ScalarFormat {
        let range = "from \(ByteCount.text(bounds.lowerBound)) to \(ByteCount.text(bounds.upperBound))"
        return ScalarFormat(
            "a number of bytes \(range), as in 65536, 64KiB, 4MiB or 2GiB", text: ByteCount.text
        ) { text in
            guard let value = ByteCount.parse(text), bounds.contains(value) else { return nil }
            return value
        }
    }
}

/// Strict reading of numbers: digits only, so that nothing a library tolerates gets in (INP-6).
enum Digits {
    static func integer<Value: FixedWidthInteger>(_ text: String, as type: Value.Type = Value.self) -> Value? {
        var digits = Array(text.utf8)
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        guard let first = digits.first, let last = digits.last else { return nil }
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        guard isDigit(first), isDigit(last), first != UInt8(ascii: "0") || (digits.count == 1 && !isNegative) else {
            return nil
        }
        digits.removeAll { $0 == UInt8(ascii: "_") }
        guard digits.allSatisfy(isDigit) else { return nil }
        return Value((isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self))
    }

    /// `20000` → `20,000`, for people.
    static func grouped(_ value: some BinaryInteger) -> String {
        let text = "\(value.magnitude)"
        var grouped = ""
        for (offset, digit) in text.enumerated() {
            if offset > 0, (text.count - offset).isMultiple(of: 3) { grouped.append(",") }
            grouped.append(digit)
        }
        return value < 0 ? "-" + grouped : grouped
    }
}

/// Bytes with a binary unit.
enum ByteCount {
    private static let units: [(name: String, bytes: Int)] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]

    static func parse(_ text: String) -> Int? {
        for unit in units where text.hasSuffix(unit.name) {
            guard let count = Digits.integer(String(text.dropLast(unit.name.count)), as: Int.self) else { return nil }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
            return overflow || bytes < 0 ? nil : bytes
        }
        guard let bytes = Digits.integer(text, as: Int.self), bytes >= 0 else { return nil }
        return bytes
    }

    static func text(_ bytes: Int) -> String {
        for unit in units where bytes > 0 && bytes.isMultiple(of: unit.bytes) {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "\(bytes)"
    }
}
