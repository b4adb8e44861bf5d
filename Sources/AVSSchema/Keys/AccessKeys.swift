public import AVSModel
public import AVSPrimitives
public import AVSStorage

extension APIKeyID: KeyPart {
    public static let keyPartLength: Int? = 26

    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        self.init(text)
    }

    public var keyPart: [UInt8] { Array(description.utf8) }
}

extension ULID: KeyPart {
    public static let keyPartLength: Int? = 26

    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        self.init(text)
    }

    public var keyPart: [UInt8] { Array(description.utf8) }
}

public struct APIKeyKey: StoreKey {
    public typealias Value = APIKey
    public static let table = Table.apiKey
    public var id: APIKeyID

    public init(_ id: APIKeyID) { self.id = id }
    public func encode(into key: inout KeyEncoder) { key.append(id) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { id = try key.read() }
}

public struct AuditKey: StoreKey {
    public typealias Value = RecordedAct
    public static let table = Table.audit
    public var id: ULID

    public init(_ id: ULID) { self.id = id }
    public func encode(into key: inout KeyEncoder) { key.append(id) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { id = try key.read() }
}
