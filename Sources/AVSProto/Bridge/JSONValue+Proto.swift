import AVSPrimitives
import CAVSProto
import CProtobufC

/// `google.protobuf.Value`. Its kinds by field number: 1 null, 2 number, 3 text, 4 bool, 5 object, 6 list.
extension JSONValue: MessageShape, @unsafe CBridged {
    typealias CType = Google__Protobuf__Value
    static var fullName: String { "google.protobuf.Value" }
    static var absent: JSONValue { .null }
    static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {
        unsafe CAVSProto_google__protobuf__value__descriptor()
    }

    static func shape(of field: UInt32) -> FieldShape {
        switch field {
        case 1, 4: .varint
        case 2: .fixed64
        case 3: .text
        case 5: .alternative(StructShape.self)
        case 6: .alternative(ListShape.self)
        default: .unknown
        }
    }

    init(copying c: UnsafePointer<Google__Protobuf__Value>) {
        self =
            switch unsafe c.pointee.kind_case.rawValue {
            case 2: unsafe .number(c.pointee.number_value)
            case 3: unsafe .string(String(copying: c.pointee.string_value))
            case 4: unsafe .bool(c.pointee.bool_value != 0)
            case 5: unsafe .object(required(c.pointee.struct_value))
            case 6: unsafe .array(required(c.pointee.list_value))
            default: .null
            }
    }

    func fill(_ c: UnsafeMutablePointer<Google__Protobuf__Value>, in arena: Arena) {
        switch self {
        case .number(let value):
            unsafe c.pointee.kind_case = .init(rawValue: 2)
            unsafe c.pointee.number_value = value
        case .string(let value):
            unsafe c.pointee.kind_case = .init(rawValue: 3)
            unsafe c.pointee.string_value = arena.text(value)
        case .bool(let value):
            unsafe c.pointee.kind_case = .init(rawValue: 4)
            unsafe c.pointee.bool_value = value ? 1 : 0
        case .object(let value) where arena.mayNest:
            unsafe c.pointee.kind_case = .init(rawValue: 5)
            unsafe c.pointee.struct_value = arena.message(value)
        case .array(let value) where arena.mayNest:
            unsafe c.pointee.kind_case = .init(rawValue: 6)
            unsafe c.pointee.list_value = arena.message(value)
        case .null, .object, .array:
            unsafe c.pointee.kind_case = .init(rawValue: 1)
        }
    }
}

/// `google.protobuf.Struct`
extension [String: JSONValue]: MessageShape, @unsafe CBridged {
    typealias CType = Google__Protobuf__Struct
    static var fullName: String { StructShape.fullName }
    static var isContainer: Bool { true }
    static var absent: [String: JSONValue] { [:] }
    static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {
        unsafe CAVSProto_google__protobuf__struct__descriptor()
    }

    static func shape(of field: UInt32) -> FieldShape { StructShape.shape(of: field) }

    init(copying c: UnsafePointer<Google__Protobuf__Struct>) {
        self = unsafe dictionary(c.pointee.fields, c.pointee.n_fields) {
            unsafe (String(copying: $0.pointee.key), required($0.pointee.value))
        }
    }

    func fill(_ c: UnsafeMutablePointer<Google__Protobuf__Struct>, in arena: Arena) {
        let descriptor = unsafe CAVSProto_google__protobuf__struct__fields_entry__descriptor()
        unsafe (c.pointee.fields, c.pointee.n_fields) = arena.withinContainer {
            unsafe arena.entries(self, descriptor) {
                (entry: UnsafeMutablePointer<Google__Protobuf__Struct__FieldsEntry>, key, value) in
                unsafe entry.pointee.has_key_case = .init(rawValue: 1)
                unsafe entry.pointee.key = arena.text(key)
                unsafe entry.pointee.value = arena.message(value)
            }
        }
    }
}

/// `google.protobuf.ListValue`
extension [JSONValue]: MessageShape, @unsafe CBridged {
    typealias CType = Google__Protobuf__ListValue
    static var fullName: String { ListShape.fullName }
    static var isContainer: Bool { true }
    static var absent: [JSONValue] { [] }
    static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {
        unsafe CAVSProto_google__protobuf__list_value__descriptor()
    }

    static func shape(of field: UInt32) -> FieldShape { ListShape.shape(of: field) }

    init(copying c: UnsafePointer<Google__Protobuf__ListValue>) {
        self = unsafe messages(c.pointee.values, c.pointee.n_values)
    }

    func fill(_ c: UnsafeMutablePointer<Google__Protobuf__ListValue>, in arena: Arena) {
        unsafe (c.pointee.values, c.pointee.n_values) = arena.withinContainer { unsafe arena.messages(self) }
    }
}

private enum StructShape: MessageShape {
    static var fullName: String { "google.protobuf.Struct" }
    static var isContainer: Bool { true }
    static func shape(of field: UInt32) -> FieldShape { field == 1 ? .messages(EntryShape.self) : .unknown }
}

private enum EntryShape: MessageShape {
    static var fullName: String { "google.protobuf.Struct.FieldsEntry" }
    static func shape(of field: UInt32) -> FieldShape {
        switch field {
        case 1: .text
        case 2: .message(JSONValue.self)
        default: .unknown
        }
    }
}

private enum ListShape: MessageShape {
    static var fullName: String { "google.protobuf.ListValue" }
    static var isContainer: Bool { true }
    static func shape(of field: UInt32) -> FieldShape { field == 1 ? .messages(JSONValue.self) : .unknown }
}
