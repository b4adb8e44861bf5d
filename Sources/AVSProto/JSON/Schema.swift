/// Messages and enums by full name, as far as JSON needs to know them; read once from ``FileDescriptors``.
struct Schema: Sendable {
    static let shared = Schema(FileDescriptors.all)

    struct Field: Sendable {
        var name: String
        var jsonName: String
        var number: UInt32
        var isRepeated: Bool
        var kind: Kind
        /// Whether "not set" differs from "set to the default": `optional`, oneofs and messages.
        var hasPresence: Bool
        /// nil outside of oneofs that the schema's author wrote.
        var oneof: Int?
    }

    enum Kind: Hashable, Sendable {
        case double, float
        case signed, unsigned
        /// 32 bits: JSON numbers, where 64 bits are JSON texts.
        case signed32, unsigned32
        case bool
        case text
        case bytes
        case enumeration(String)
        case message(String)
        /// Groups, zigzag and fixed-width numbers: nowhere in our schema, which a test makes sure of.
        case unsupported
    }

    struct Message: Sendable {
        var fields: [Field] = []
        var isMapEntry = false

        func field(_ number: UInt32) -> Field? { fields.first { $0.number == number } }

        /// By its name in JSON or in the schema; parsers take both.
        func field(named name: String) -> Field? { fields.first { $0.jsonName == name || $0.name == name } }
    }

    private(set) var messages: [String: Message] = [:]
    private(set) var enums: [String: [(name: String, number: Int32)]] = [:]

    init(_ files: [FileDescriptor]) {
        for file in files {
            do throws(ProtoError) {
                try add(file: file.bytes)
            } catch {
                assertionFailure("\(file.name): \(error)")  // a test reads every one of them
            }
        }
    }

    // MARK: Reading descriptors (google/protobuf/descriptor.proto)

    private mutating func add(file bytes: [UInt8]) throws(ProtoError) {
        let package = try DescriptorBytes(bytes).text(2)
        for message in try WireSplice.elements(field: 4, of: bytes) { try add(message: Array(message), in: package) }
        for enumeration in try WireSplice.elements(field: 5, of: bytes) {
            try add(enum: Array(enumeration), in: package)
        }
    }

    private mutating func add(message bytes: [UInt8], in scope: String) throws(ProtoError) {
        let name = "\(scope).\(try DescriptorBytes(bytes).text(1))"
        var message = Message()
        for field in try WireSplice.elements(field: 2, of: bytes) { message.fields.append(try Field(Array(field))) }
        message.fields.sort { $0.number < $1.number }
        if let options = try WireSplice.submessage(field: 7, of: bytes) {
            message.isMapEntry = try DescriptorBytes(options).number(7) == 1
        }
        messages[name] = message
        for nested in try WireSplice.elements(field: 3, of: bytes) { try add(message: Array(nested), in: name) }
        for nested in try WireSplice.elements(field: 4, of: bytes) { try add(enum: Array(nested), in: name) }
    }

    private mutating func add(enum bytes: [UInt8], in scope: String) throws(ProtoError) {
        var values: [(String, Int32)] = []
        for value in try WireSplice.elements(field: 2, of: bytes) {
            let value = try DescriptorBytes(Array(value))
            values.append((value.text(1), Int32(truncatingIfNeeded: value.number(2))))
        }
        enums["\(scope).\(try DescriptorBytes(bytes).text(1))"] = values
    }
}

extension Schema.Field {
    init(_ bytes: [UInt8]) throws(ProtoError) {
        let descriptor = try DescriptorBytes(bytes)
        name = descriptor.text(1)
        jsonName = descriptor.text(10).isEmpty ? Self.camelCase(name) : descriptor.text(10)
        number = UInt32(truncatingIfNeeded: descriptor.number(3))
        isRepeated = descriptor.number(4) == 3
        kind = Schema.Kind(descriptor.number(5), typeName: String(descriptor.text(6).dropFirst()))
        let isOptional = descriptor.number(17) == 1
        oneof = isOptional ? nil : descriptor.numberIfSet(9).map { Int($0) }
        if case .message = kind { hasPresence = true } else { hasPresence = isOptional || oneof != nil }
    }

    private static func camelCase(_ name: String) -> String {
        let parts = name.split(separator: "_")
        return parts.prefix(1).joined() + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}

extension Schema.Kind {
    /// - Parameter type: `FieldDescriptorProto.Type`
    fileprivate init(_ type: UInt64, typeName: String) {
        switch type {
        case 1: self = .double
        case 2: self = .float
        case 3: self = .signed
        case 4: self = .unsigned
        case 5: self = .signed32
        case 8: self = .bool
        case 9: self = .text
        case 11: self = .message(typeName)
        case 12: self = .bytes
        case 13: self = .unsigned32
        case 14: self = .enumeration(typeName)
        default: self = .unsupported
        }
    }
}

/// The texts and numbers of one descriptor message.
private struct DescriptorBytes {
    private var texts: [UInt32: String] = [:]
    private var numbers: [UInt32: UInt64] = [:]

    init(_ bytes: [UInt8]) throws(ProtoError) {
        var fields = WireFields(bytes)
        while let field = try fields.next() {
            switch field.value {
            case .varint(let number): numbers[field.number] = number
            case .delimited(let range): texts[field.number] = String(decoding: bytes[range], as: UTF8.self)
            case .fixed32, .fixed64: break
            }
        }
    }

    func text(_ field: UInt32) -> String { texts[field] ?? "" }
    func number(_ field: UInt32) -> UInt64 { numbers[field] ?? 0 }
    func numberIfSet(_ field: UInt32) -> UInt64? { numbers[field] }
}
