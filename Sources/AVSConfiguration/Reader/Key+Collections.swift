import Yams

// Keys with keys or lists below them.
extension Key {
    /// A section. Keys that are not in the file keep the defaults that this place gives them.
    static func section<Value: ConfigurationSection>(_ name: String, _ property: Property<Value>) -> Key {
        Key(
            name: name, isRequired: false,
            read: { node, section, context in context.reader.read(node, into: &section[keyPath: property], context) },
            node: { Printer.node($0[keyPath: property]) },
            described: { Value.described(below: $0) })
    }

    /// A section that need not exist.
    static func optionalSection<Value: ConfigurationSection>(_ name: String, _ property: Property<Value?>) -> Key {
        Key(
            name: name, isRequired: false,
            read: { node, section, context in
                var value = Value()
                context.reader.read(node, into: &value, context)
                section[keyPath: property] = value
            },
            node: { $0[keyPath: property].map { Printer.node($0) } },
            described: { Value.described(below: $0) })
    }

    /// A list of values, none of them twice. One that is in the file replaces the default.
    static func list<Value>(
        _ name: String, _ property: Property<[Value]>, _ format: ScalarFormat<Value>, count: ClosedRange<Int>
    ) -> Key {
        Key(
            name: name, isRequired: false,
            read: { node, section, context in
                guard let elements = context.elements(node, count: count) else { return }
                section[keyPath: property] = context.distinctValues(elements, format)
            },
            node: { section in
                let values = section[keyPath: property].map { format.node($0) }
                return Node(values, Tag(.implicit), values.isEmpty ? .flow : .block)
            },
            described: { [KeyDescription(path: $0 + "[]", allowed: format.allowed)] })
    }

    /// A list of sections.
    static func sections<Value: ConfigurationSection>(
        _ name: String, _ property: Property<[Value]>, count: ClosedRange<Int>
    ) -> Key {
        Key(
            name: name, isRequired: false,
            read: { node, section, context in
                guard let elements = context.elements(node, count: count) else { return }
                section[keyPath: property] = elements.enumerated().map { index, element in
                    var value = Value()
                    context.reader.read(element, into: &value, context.element(index))
                    return value
                }
            },
            node: { section in
                let values = section[keyPath: property].map { Printer.node($0) }
                return Node(values, Tag(.implicit), values.isEmpty ? .flow : .block)
            },
            described: { Value.described(below: $0 + "[]") })
    }

    /// Values under names that the administrator chose. They print in the names' byte order.
    static func map<Value>(
        _ name: String, _ property: Property<[String: Value]>, _ format: ScalarFormat<Value>, count: ClosedRange<Int>
    ) -> Key {
        Key(
            name: name, isRequired: false,
            read: { node, section, context in section[keyPath: property] = context.named(node, format, count: count) },
            node: { section in
                let pairs = section[keyPath: property].sorted { $0.key < $1.key }.map { name, value in
                    (Node(name, Tag(.str), .doubleQuoted), format.node(value))
                }
                return Node(pairs, Tag(.implicit), pairs.isEmpty ? .flow : .block)
            },
            described: { [KeyDescription(path: $0 + ".*", allowed: format.allowed)] })
    }
}

extension SectionContext {
    /// The elements of a list within its bounds, or nil and a problem.
    fileprivate func elements(_ node: Node, count: ClosedRange<Int>) -> [Node]? {
        guard let sequence = node.sequence else {
            refuse("a \(node.kindName) is not allowed here: wanted a list", at: node)
            return nil
        }
        guard count.contains(sequence.count) else {
            refuse("\(sequence.count) elements: wanted \(count.lowerBound) to \(count.upperBound)", at: node)
            return nil
        }
        for (index, element) in sequence.enumerated() { reader.note(element, at: self.element(index).path) }
        return Array(sequence)
    }

    /// The good elements in their order; each bad and each repeated one is a problem.
    fileprivate func distinctValues<Value>(_ elements: [Node], _ format: ScalarFormat<Value>) -> [Value] {
        var values: [Value] = []
        var firstIndexes: [Value: Int] = [:]
        for (index, node) in elements.enumerated() {
            let element = element(index)
            guard let value = element.scalar(node, format) else { continue }
            if let first = firstIndexes[value] {
                element.refuse("is the same as [\(first)]: wanted each value once", at: node)
            } else {
                firstIndexes[value] = index
                values.append(value)
            }
        }
        return values
    }

    fileprivate func named<Value>(
        _ node: Node, _ format: ScalarFormat<Value>, count: ClosedRange<Int>
    ) -> [String: Value] {
        guard let mapping = node.mapping else {
            refuse("a \(node.kindName) is not allowed here: wanted names with values", at: node)
            return [:]
        }
        guard count.contains(mapping.count) else {
            refuse("\(mapping.count) names: wanted \(count.lowerBound) to \(count.upperBound)", at: node)
            return [:]
        }
        var values: [String: Value] = [:]
        for (key, value) in mapping {
            guard let name = scalar(key, ScalarFormat<String>.variableName) else { continue }
            let child = child(name)
            reader.note(value, at: child.path)
            guard values[name] == nil else {
                child.refuse("is given more than once", at: key)
                continue
            }
            values[name] = child.scalar(value, format)
        }
        return values
    }
}
