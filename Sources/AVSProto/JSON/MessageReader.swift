import AVSPrimitives

/// Serialized messages → JSON.
struct MessageReader {
    let schema: Schema

    func read(_ bytes: [UInt8], _ name: String) throws(ProtoError) -> JSONValue {
        switch name {
        case "google.protobuf.Value": return try value(bytes)
        case "google.protobuf.Struct": return .object(try members(bytes))
        case "google.protobuf.ListValue": return .array(try elements(bytes))
        default: break
        }
        guard let message = schema.messages[name] else { return .null }
        var object: [String: JSONValue] = [:]
        for field in message.fields where !field.hasPresence && !field.isRepeated {
            object[field.jsonName] = defaultValue(field.kind)
        }
        var fields = WireFields(bytes)
        while let found = try fields.next() {
            guard let field = message.field(found.number) else { continue }
            try add(found.value, of: bytes, field, to: &object)
        }
        return .object(object)
    }

    private func add(
        _ value: WireFields.Field.Value, of bytes: [UInt8], _ field: Schema.Field, to object: inout [String: JSONValue]
    ) throws(ProtoError) {
        switch value {
        case .varint(let number): put([scalar(number, field.kind)], field, &object)
        case .fixed64(let bits): put([.number(Double(bitPattern: bits))], field, &object)
        case .fixed32(let bits): put([.number(Double(Float(bitPattern: bits)))], field, &object)
        case .delimited(let range):
            switch field.kind {
            case .text: put([.string(String(decoding: bytes[range], as: UTF8.self))], field, &object)
            case .bytes: put([.string(Base64.encode(bytes[range]))], field, &object)
            case .message(let name): try add(Array(bytes[range]), name, field, &object)
            default: put(try packed(Array(bytes[range]), field.kind), field, &object)
            }
        }
    }

    private func put(_ values: [JSONValue], _ field: Schema.Field, _ object: inout [String: JSONValue]) {
        guard field.isRepeated else {
            object[field.jsonName] = values.last ?? object[field.jsonName]
            return
        }
        object[field.jsonName] = .array((object[field.jsonName]?.arrayValue ?? []) + values)
    }

    private func add(
        _ bytes: [UInt8], _ name: String, _ field: Schema.Field, _ object: inout [String: JSONValue]
    ) throws(ProtoError) {
        let value = try read(bytes, name)
        guard schema.messages[name]?.isMapEntry == true else { return put([value], field, &object) }
        var entries = object[field.jsonName]?.objectValue ?? [:]
        entries[value["key"]?.stringValue ?? ""] = value["value"] ?? .null
        object[field.jsonName] = .object(entries)
    }

    /// Numbers in a row without tags.
    private func packed(_ bytes: [UInt8], _ kind: Schema.Kind) throws(ProtoError) -> [JSONValue] {
        var (values, position): ([JSONValue], Int) = ([], 0)
        do throws(WireFault) {
            while position < bytes.count {
                values.append(scalar(try bytes.span.readVarint(&position, bytes.count), kind))
            }
        } catch {
            throw error.error(message: "packed field", offset: position)
        }
        return values
    }

    private func scalar(_ number: UInt64, _ kind: Schema.Kind) -> JSONValue {
        switch kind {
        case .bool: return .bool(number != 0)
        case .signed: return .string("\(Int64(bitPattern: number))")
        case .signed32: return .number(Double(Int32(truncatingIfNeeded: number)))
        case .unsigned32: return .number(Double(UInt32(truncatingIfNeeded: number)))
        case .enumeration(let name):
            let number = Int32(truncatingIfNeeded: number)
            let known = schema.enums[name]?.first { $0.number == number }
            return known.map { .string($0.name) } ?? .number(Double(number))
        default: return .string("\(number)")
        }
    }

    private func defaultValue(_ kind: Schema.Kind) -> JSONValue {
        switch kind {
        case .double, .float: 0
        case .text, .bytes: ""
        default: scalar(0, kind)
        }
    }

    // MARK: google/protobuf/struct.proto

    private func value(_ bytes: [UInt8]) throws(ProtoError) -> JSONValue {
        var fields = WireFields(bytes)
        var value = JSONValue.null
        while let field = try fields.next() {
            switch (field.number, field.value) {
            case (2, .fixed64(let bits)): value = .number(Double(bitPattern: bits))
            case (3, .delimited(let range)): value = .string(String(decoding: bytes[range], as: UTF8.self))
            case (4, .varint(let number)): value = .bool(number != 0)
            case (5, .delimited(let range)): value = .object(try members(Array(bytes[range])))
            case (6, .delimited(let range)): value = .array(try elements(Array(bytes[range])))
            default: value = .null
            }
        }
        return value
    }

    private func members(_ bytes: [UInt8]) throws(ProtoError) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        for entry in try WireSplice.elements(field: 1, of: bytes) {
            let key = try WireSplice.submessage(field: 1, of: Array(entry)) ?? []
            let member = try WireSplice.submessage(field: 2, of: Array(entry)) ?? []
            members[String(decoding: key, as: UTF8.self)] = try value(member)
        }
        return members
    }

    private func elements(_ bytes: [UInt8]) throws(ProtoError) -> [JSONValue] {
        var values: [JSONValue] = []
        for element in try WireSplice.elements(field: 1, of: bytes) { values.append(try value(Array(element))) }
        return values
    }
}
