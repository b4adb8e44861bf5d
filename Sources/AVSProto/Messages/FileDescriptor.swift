import AVSPrimitives

/// One .proto file as reflection presents it (RF-4).
public struct FileDescriptor: Sendable {
    /// `avs.proto`, `google/protobuf/struct.proto`
    public let name: String
    /// Names of the files that it imports directly; each is in ``FileDescriptors/all``.
    public let imports: [String]
    /// Full names of its services.
    public let services: [String]
    /// Full names of its services, methods, messages, enums and enum values (RF-3).
    public let symbols: [String]
    /// The serialized `google.protobuf.FileDescriptorProto`, made by protoc from the unmodified file.
    public let bytes: [UInt8]

    init(name: String, imports: [String], services: [String], symbols: String, base64: String) {
        self.name = name
        self.imports = imports
        self.services = services
        self.symbols = symbols.split(separator: "\n").map(String.init)
        self.bytes = Base64.decode(base64) ?? []  // a test reads every one of them
    }
}

/// The files that reflection may show: ours but for `storage.proto`, health, reflection, and what they import.
public enum FileDescriptors {}
