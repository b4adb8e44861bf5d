import AVSPrimitives

/// JSON → serialized messages. What it writes is decoded by the message afterwards, which checks limits.
struct MessageWriter {
    let schema: Schema

    func write(_ json: JSONValue, _ name: String, at path: String, to bytes: inout [UInt8]) throws {
        switch name {
        case "google.protobuf.Value": return value(json, to: &bytes)
        case "google.protobuf.Struct":
            guard case .object(let members) = json else { throw wanted("an object", json, path) }
            return structure(members, to: &bytes)
        case "google.protobuf.ListValue":
            guard case .array(let elements) = json else { throw wanted("an array", json, path) }
            return list(elements, to: &bytes)
        default: break
        }
        guard case .object(let object) = json else { throw wanted("an object", json, path) }
        guard let message = schema.messages[name] else {
            throw ProtoJSONError(path: path, problem: "unknown type \(name)")
        }
        var oneofs: [Int: String] = [:]
        for (key, value) in object.sorted(by: { $0.key < $1.key }) {
            guard let field = message.field(named: key) else {
                let names = message.fields.map(\.jsonName).joined(separator: ", ")
                throw ProtoJSONError(path: path, problem: "unknown name '\(key.prefix(64))'; there are: \(names)")
            }
            if value.isNull, field.kind != .message("google.protobuf.Value") { continue }
            if let oneof = field.oneof, let other = oneofs.updateValue(key, forKey: oneof) {
                throw ProtoJSONError(path: path, problem: "'\(other)' and '\(key)' cannot both be given")
            }
            try write(value, field, at: path.isEmpty ? key : "\(path).\(key)", to: &bytes)
        }
    }

    private func write(_ json: JSONValue, _ field: Schema.Field, at path: String, to bytes: inout [UInt8]) throws {
        guard field.isRepeated else { return try element(json, field, at: path, to: &bytes) }
        if case .message(let name) = field.kind, schema.messages[name]?.isMapEntry == true {
            guard case .object(let entries) = json else { throw wanted("an object", json, path) }
            for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
                try element(["key": .string(key), "value": value], field, at: "\(path).\(key.prefix(64))", to: &bytes)
            }
            return
        }
        guard case .array(let elements) = json else { throw wanted("an array", json, path) }
        for (index, value) in elements.enumerated() {
            try element(value, field, at: "\(path)[\(index)]", to: &bytes)
        }
    }

    private func element(_ json: JSONValue, _ field: Schema.Field, at path: String, to bytes: inout [UInt8]) throws {
        switch field.kind {
        case .text:
            guard let text = json.stringValue else { throw wanted("a text", json, path) }
            WireSplice.append(field: field.number, Array(text.utf8), to: &bytes)
        case .bytes:
            guard let content = json.stringValue.flatMap({ Base64.decode($0) }) else {
                throw wanted("bytes in base64", json, path)
            }
            WireSplice.append(field: field.number, content, to: &bytes)
        case .message(let name):
            var content: [UInt8] = []
            try write(json, name, at: path, to: &content)
            WireSplice.append(field: field.number, content, to: &bytes)
        case .double:
            guard let number = json.doubleValue else { throw wanted("a number", json, path) }
            double(number, field.number, to: &bytes)
        case .float:
            guard let number = json.doubleValue else { throw wanted("a number", json, path) }
            bytes.appendVarint(UInt64(field.number) << 3 | UInt64(WireTag.Kind.fixed32.rawValue))
            let bits = Float(number).bitPattern
            for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        case .bool, .signed, .unsigned, .signed32, .unsigned32, .enumeration, .unsupported:
            bytes.appendVarint(UInt64(field.number) << 3)
            bytes.appendVarint(try number(json, field.kind, path))
        }
    }

    private func number(_ json: JSONValue, _ kind: Schema.Kind, _ path: String) throws -> UInt64 {
        let text = json.stringValue ?? json.integerValue.map { "\($0)" } ?? ""
        switch kind {
        case .bool:
            if let flag = json.boolValue { return flag ? 1 : 0 }
            throw wanted("true or false", json, path)
        case .signed, .signed32:
            if let number = Int64(text), kind == .signed || Int32(exactly: number) != nil {
                return UInt64(bitPattern: number)
            }
            throw wanted("a whole number of \(kind == .signed ? 64 : 32) bits", json, path)
        case .enumeration(let name):
            let values = schema.enums[name] ?? []
            if let known = values.first(where: { $0.name == json.stringValue }) {
                return UInt64(bitPattern: Int64(known.number))
            }
            if let number = json.integerValue, Int32(exactly: number) != nil { return UInt64(bitPattern: number) }
            throw wanted("one of \(values.map(\.name).joined(separator: ", "))", json, path)
        default:
            if let number = UInt64(text), kind == .unsigned || UInt32(exactly: number) != nil { return number }
            throw wanted("a whole number of \(kind == .unsigned ? 64 : 32) bits, not negative", json, path)
        }
    }

    private func wanted(_ what: String, _ json: JSONValue, _ path: String) -> ProtoJSONError {
        ProtoJSONError(path: path, problem: "wanted \(what), found \(json.serialized.prefix(64))")
    }

    // MARK: google/protobuf/struct.proto

    private func value(_ json: JSONValue, to bytes: inout [UInt8]) {
        switch json {
        case .null: bytes += [1 << 3, 0]
        case .number(let number): double(number, 2, to: &bytes)
        case .string(let text): WireSplice.append(field: 3, Array(text.utf8), to: &bytes)
        case .bool(let flag): bytes += [4 << 3, flag ? 1 : 0]
        case .object(let members):
            var content: [UInt8] = []
            structure(members, to: &content)
            WireSplice.append(field: 5, content, to: &bytes)
        case .array(let elements):
            var content: [UInt8] = []
            list(elements, to: &content)
            WireSplice.append(field: 6, content, to: &bytes)
        }
    }

    private func structure(_ members: [String: JSONValue], to bytes: inout [UInt8]) {
        for (key, member) in members.sorted(by: { $0.key < $1.key }) {
            var (entry, content): ([UInt8], [UInt8]) = ([], [])
            value(member, to: &content)
            WireSplice.append(field: 1, Array(key.utf8), to: &entry)
            WireSplice.append(field: 2, content, to: &entry)
            WireSplice.append(field: 1, entry, to: &bytes)
        }
    }

    private func list(_ elements: [JSONValue], to bytes: inout [UInt8]) {
        for element in elements {
            var content: [UInt8] = []
            value(element, to: &content)
            WireSplice.append(field: 1, content, to: &bytes)
        }
    }

    private func double(_ number: Double, _ field: UInt32, to bytes: inout [UInt8]) {
        bytes.appendVarint(UInt64(field) << 3 | UInt64(WireTag.Kind.fixed64.rawValue))
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> shift))
        }
    }
}
