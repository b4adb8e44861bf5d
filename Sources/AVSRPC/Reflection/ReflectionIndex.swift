/// What server reflection answers from: serialized `FileDescriptorProto`s, by file, by symbol and by extension.
///
///     let index = try ReflectionIndex(files: descriptors)
///     let server = RPCServer(…, methods: … + index.methods, …)
///
/// Reflection is on only where these methods are registered, and interceptors see it like any other call (RF-5).
public struct ReflectionIndex: Sendable {
    struct File: Sendable {
        var bytes: [UInt8]
        var imports: [String]
    }

    private(set) var files: [String: File] = [:]
    /// Full names without a leading dot → file.
    private var symbols: [String: String] = [:]
    /// Extended type → field number → file.
    private var extensions: [String: [Int: String]] = [:]
    let services: [String]

    /// - Parameters:
    ///   - files: serialized descriptors, imports included; in any order. The same file twice is one.
    ///   - services: the names to list; nil lists every service of the files. The reflection services are added (RF-5).
    /// - Throws: for bytes that are no descriptor.
    public init(files: [[UInt8]], services: [String]? = nil) throws {
        var found: [String] = []
        for bytes in files {
            let descriptor = try FileDescriptor(bytes[...])
            guard self.files[descriptor.name] == nil else { continue }
            self.files[descriptor.name] = File(bytes: bytes, imports: descriptor.imports)
            for symbol in descriptor.symbols { symbols[symbol] = descriptor.name }
            for (type, number) in descriptor.extensions { extensions[type, default: [:]][number] = descriptor.name }
            found += descriptor.services
        }
        self.services = Set((services ?? found) + Self.serviceNames).sorted()
    }

    static let serviceNames = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]

    func file(containing symbol: String) -> String? { symbols[symbol] }

    func file(extending type: String, _ number: Int) -> String? { extensions[type]?[number] }

    /// Nil for a type that is not known at all.
    func extensionNumbers(of type: String) -> [Int]? {
        if let numbers = extensions[type] { return numbers.keys.sorted() }
        return symbols[type] == nil ? nil : []
    }

    /// A file and its imports, transitive ones too, without those in `sent`. The file asked for comes first and always
    /// (RF-4).
    func withImports(_ name: String, sent: inout Set<String>) -> [[UInt8]] {
        var answer: [[UInt8]] = []
        var queue = [name]
        while let next = queue.popLast() {
            guard let file = files[next], next == name && answer.isEmpty || !sent.contains(next) else { continue }
            sent.insert(next)
            answer.append(file.bytes)
            queue += file.imports.reversed()
        }
        return answer
    }
}

/// What of a `FileDescriptorProto` reflection needs.
private struct FileDescriptor {
    var name = ""
    var imports: [String] = []
    var symbols: [String] = []
    var services: [String] = []
    var extensions: [(type: String, number: Int)] = []

    init(_ bytes: ArraySlice<UInt8>) throws {
        var package = ""
        try ProtoWire.forEachField(of: bytes) { number, value in
            switch number {
            case 1: name = value.text ?? ""
            case 2: package = value.text ?? ""
            case 3: imports.append(value.text ?? "")
            default: break
            }
        }
        try ProtoWire.forEachField(of: bytes) { number, value in
            guard case .bytes(let part) = value else { return }
            switch number {
            case 4: try addMessage(part, in: package, depth: 0)
            case 5: try addEnum(part, in: package)
            case 6: try addService(part, in: package)
            case 7: try addExtension(part, in: package)
            default: break
            }
        }
    }

    private static func join(_ scope: String, _ name: String) -> String { scope.isEmpty ? name : "\(scope).\(name)" }

    private static func name(_ bytes: ArraySlice<UInt8>) throws -> String {
        var name = ""
        try ProtoWire.forEachField(of: bytes) { number, value in if number == 1 { name = value.text ?? "" } }
        return name
    }

    /// `DescriptorProto { name 1, field 2, nested_type 3, enum_type 4, extension 6, oneof_decl 8 }`
    private mutating func addMessage(_ bytes: ArraySlice<UInt8>, in scope: String, depth: Int) throws {
        guard depth < 64 else { throw ProtoWire.Malformed() }
        let name = Self.join(scope, try Self.name(bytes))
        symbols.append(name)
        try ProtoWire.forEachField(of: bytes) { number, value in
            guard case .bytes(let part) = value else { return }
            switch number {
            case 2, 8: symbols.append(Self.join(name, try Self.name(part)))
            case 3: try addMessage(part, in: name, depth: depth + 1)
            case 4: try addEnum(part, in: name)
            case 6: try addExtension(part, in: name)
            default: break
            }
        }
    }

    /// `EnumDescriptorProto { name 1, value 2 }`. Values are names of the scope around the enum, as in C++.
    private mutating func addEnum(_ bytes: ArraySlice<UInt8>, in scope: String) throws {
        let name = Self.join(scope, try Self.name(bytes))
        symbols.append(name)
        try ProtoWire.forEachField(of: bytes) { number, value in
            guard number == 2, case .bytes(let part) = value else { return }
            let valueName = try Self.name(part)
            symbols += [Self.join(scope, valueName), Self.join(name, valueName)]
        }
    }

    /// `ServiceDescriptorProto { name 1, method 2 }`
    private mutating func addService(_ bytes: ArraySlice<UInt8>, in scope: String) throws {
        let name = Self.join(scope, try Self.name(bytes))
        symbols.append(name)
        services.append(name)
        try ProtoWire.forEachField(of: bytes) { number, value in
            guard number == 2, case .bytes(let part) = value else { return }
            symbols.append(Self.join(name, try Self.name(part)))
        }
    }

    /// `FieldDescriptorProto { name 1, extendee 2, number 3 }`
    private mutating func addExtension(_ bytes: ArraySlice<UInt8>, in scope: String) throws {
        symbols.append(Self.join(scope, try Self.name(bytes)))
        var (type, field) = ("", 0)
        try ProtoWire.forEachField(of: bytes) { number, value in
            if number == 2 { type = value.text ?? "" }
            if number == 3, case .varint(let raw) = value { field = Int(truncatingIfNeeded: raw) }
        }
        extensions.append((type.hasPrefix(".") ? String(type.dropFirst()) : type, field))
    }
}
