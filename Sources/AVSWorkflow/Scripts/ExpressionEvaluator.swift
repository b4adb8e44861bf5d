import AVSPrimitives

extension Expression {
    /// The value with `variables` as globals.
    ///
    /// - Throws: What JavaScript would throw, or that only JavaScript can tell.
    func evaluate(in variables: [String: JSONValue]) throws(ScriptError) -> ScriptValue {
        switch self {
        case .literal(let value):
            return value
        case .variable(let name):
            return try Self.variable(name, in: variables)
        case .access(let base, let accesses):
            return try Self.follow(accesses, from: base.evaluate(in: variables), in: variables)
        case .not(let operand):
            return .json(.bool(!(try operand.evaluate(in: variables).isTruthy)))
        case .negative(let operand):
            return .json(.number(-(try operand.evaluate(in: variables).number())))
        case .number(let operand):
            return .json(.number(try operand.evaluate(in: variables).number()))
        case .typeOf(let operand):
            return .json(.string(try operand.typeName(in: variables)))
        case .comparison(let comparison, let left, let right):
            let holds = try comparison.holds(left.evaluate(in: variables), right.evaluate(in: variables))
            return .json(.bool(holds))
        case .both(let left, let right):
            let value = try left.evaluate(in: variables)
            return value.isTruthy ? try right.evaluate(in: variables) : value
        case .either(let left, let right):
            let value = try left.evaluate(in: variables)
            return value.isTruthy ? value : try right.evaluate(in: variables)
        }
    }

    private static func variable(_ name: String, in variables: [String: JSONValue]) throws(ScriptError) -> ScriptValue {
        if let value = variables.value(named: name) { return .json(value) }
        if JavaScriptNames.isGlobal(name) { throw .needsJavaScript("'\(name)'") }
        throw .thrown("ReferenceError: \(name) is not defined")
    }

    /// `typeof` answers for a variable that does not exist instead of throwing.
    private func typeName(in variables: [String: JSONValue]) throws(ScriptError) -> String {
        if case .variable(let name) = self, variables.value(named: name) == nil, !JavaScriptNames.isGlobal(name) {
            return "undefined"
        }
        return try evaluate(in: variables).typeName
    }

    // MARK: Members

    private static func follow(
        _ accesses: [Access], from base: ScriptValue, in variables: [String: JSONValue]
    ) throws(ScriptError) -> ScriptValue {
        var value = base
        for access in accesses {
            if !value.isResolved, access.isOptional { return .undefined }
            let key =
                switch access.key {
                case .name(let name): name
                case .computed(let expression): try expression.evaluate(in: variables).propertyKey()
                }
            value = try value.member(key)
        }
        return value
    }
}

extension [String: JSONValue] {
    /// The member whose name has the same bytes: Swift finds `é` by `e` with an accent behind it, JavaScript does not
    /// (INP-1).
    fileprivate func value(named name: String) -> JSONValue? {
        guard let index = index(forKey: name), self[index].key.utf8.elementsEqual(name.utf8) else { return nil }
        return self[index].value
    }
}

extension ScriptValue {
    /// The own property or element `key`; `undefined` if there is none.
    fileprivate func member(_ key: String) throws(ScriptError) -> ScriptValue {
        guard case .json(let value) = self, value != .null else {
            let name = self == .undefined ? "undefined" : "null"
            throw .thrown("TypeError: Cannot read properties of \(name) (reading '\(key)')")
        }
        switch value {
        case .object(let object):
            if let member = object.value(named: key) { return .json(member) }
        case .array(let elements):
            if key == "length" { return .json(.number(Double(elements.count))) }
            if let index = Self.index(key) { return index < elements.count ? .json(elements[index]) : .undefined }
        case .string(let text):
            if key == "length" { return .json(.number(Double(text.utf16.count))) }
            if let index = Self.index(key) { return try Self.character(of: text, at: index) }
        case .number, .bool, .null:
            break
        }
        guard !JavaScriptNames.isInherited(key, by: value) else { throw .needsJavaScript("the method '\(key)'") }
        return .undefined
    }

    /// An array index: decimal digits without leading zeros.
    private static func index(_ key: String) -> Int? {
        guard let index = Int(key), index >= 0, String(index) == key else { return nil }
        return index
    }

    /// One UTF-16 code unit. Half a surrogate pair is a string only in JavaScript.
    private static func character(of text: String, at index: Int) throws(ScriptError) -> ScriptValue {
        let units = text.utf16
        guard let position = units.index(units.startIndex, offsetBy: index, limitedBy: units.endIndex),
            position < units.endIndex
        else { return .undefined }
        guard let scalar = Unicode.Scalar(units[position]) else { throw .needsJavaScript("half of a surrogate pair") }
        return .json(.string(String(scalar)))
    }

    fileprivate func propertyKey() throws(ScriptError) -> String {
        switch self {
        case .json(.string(let text)): text
        case .json(.number(let number)): JavaScriptNumber.text(number)
        case .json(.bool(let bool)): bool ? "true" : "false"
        case .json(.null): "null"
        case .undefined: "undefined"
        case .json(.array), .json(.object), .bigInt, .date: throw .needsJavaScript("an object as a property name")
        }
    }

    // MARK: Conversions

    var isTruthy: Bool {
        switch self {
        case .undefined, .json(.null): false
        case .json(.bool(let bool)): bool
        case .json(.number(let number)): !(number == 0 || number.isNaN)
        case .json(.string(let text)): !text.isEmpty
        case .bigInt(let digits): digits != "0"
        case .json(.array), .json(.object), .date: true
        }
    }

    fileprivate func number() throws(ScriptError) -> Double {
        switch self {
        case .undefined: .nan
        case .json(.null): 0
        case .json(.bool(let bool)): bool ? 1 : 0
        case .json(.number(let number)): number
        case .json(.string(let text)): JavaScriptNumber.value(of: text)
        case .json(.array), .json(.object), .bigInt, .date: throw .needsJavaScript("an object as a number")
        }
    }

    /// What `typeof` answers.
    var typeName: String {
        switch self {
        case .undefined: "undefined"
        case .json(.bool): "boolean"
        case .json(.number): "number"
        case .json(.string): "string"
        case .bigInt: "bigint"
        case .json(.null), .json(.array), .json(.object), .date: "object"
        }
    }
}

extension Expression.Comparison {
    fileprivate func holds(_ left: ScriptValue, _ right: ScriptValue) throws(ScriptError) -> Bool {
        switch self {
        case .strictlyEqual: try Self.areStrictlyEqual(left, right)
        case .strictlyUnequal: !(try Self.areStrictlyEqual(left, right))
        case .equal: try Self.areLooselyEqual(left, right)
        case .unequal: !(try Self.areLooselyEqual(left, right))
        case .less:
            try Self.order(left, right) {
                $0 < $1
            } texts: {
                $0 < 0
            }
        case .greater:
            try Self.order(left, right) {
                $0 > $1
            } texts: {
                $0 > 0
            }
        case .atMost:
            try Self.order(left, right) {
                $0 <= $1
            } texts: {
                $0 <= 0
            }
        case .atLeast:
            try Self.order(left, right) {
                $0 >= $1
            } texts: {
                $0 >= 0
            }
        }
    }

    private static func areStrictlyEqual(_ left: ScriptValue, _ right: ScriptValue) throws(ScriptError) -> Bool {
        switch (left, right) {
        case (.undefined, .undefined), (.json(.null), .json(.null)): return true
        case (.json(.bool(let a)), .json(.bool(let b))): return a == b
        case (.json(.number(let a)), .json(.number(let b))): return a == b
        case (.json(.string(let a)), .json(.string(let b))): return a.utf8.elementsEqual(b.utf8)
        default:
            // Whether two objects are one is not to be seen on their values.
            if left.typeName == "object", right.typeName == "object", left.isResolved, right.isResolved {
                throw .needsJavaScript("the comparison of two objects")
            }
            return false
        }
    }

    private static func areLooselyEqual(_ left: ScriptValue, _ right: ScriptValue) throws(ScriptError) -> Bool {
        if !left.isResolved || !right.isResolved { return left.isResolved == right.isResolved }
        if left.typeName == right.typeName { return try areStrictlyEqual(left, right) }
        return try left.number() == right.number()
    }

    private static func order(
        _ left: ScriptValue, _ right: ScriptValue, numbers: (Double, Double) -> Bool, texts: (Int) -> Bool
    ) throws(ScriptError) -> Bool {
        if case .json(.string(let a)) = left, case .json(.string(let b)) = right { return texts(compare(a, b)) }
        return numbers(try left.number(), try right.number())
    }

    /// By UTF-16 code units, as JavaScript orders texts.
    private static func compare(_ a: String, _ b: String) -> Int {
        if a.utf16.lexicographicallyPrecedes(b.utf16) { return -1 }
        return a.utf8.elementsEqual(b.utf8) ? 0 : 1
    }
}
