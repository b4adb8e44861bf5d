public import AVSModel
public import AVSPrimitives
public import AVSStorage

/// A workflow or an organisation in a key; `_` is none.
struct ScopePart: KeyPart {
    static let keyPartLength: Int? = nil
    static let none = ScopePart(nil)

    let id: ScopeID?

    init(_ id: ScopeID?) { self.id = id }

    init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        if text == "_" {
            id = nil
        } else {
            guard let id = ScopeID(text) else { return nil }
            self.id = id
        }
    }

    var keyPart: [UInt8] { Array((id?.description ?? "_").utf8) }
}

extension ScopeID: KeyPart {
    public static let keyPartLength: Int? = nil

    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        self.init(text)
    }

    public var keyPart: [UInt8] { Array(description.utf8) }
}

extension SecretName: KeyPart {
    public static let keyPartLength: Int? = nil

    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        do { try self.init(text) } catch { return nil }
    }

    public var keyPart: [UInt8] { Array(description.utf8) }
}

public struct SecretKey: StoreKey {
    public typealias Value = StoredSecret
    public static let table = Table.secret
    public var owner: Address
    public var scope: SecretScope
    public var name: SecretName

    public init(owner: Address, scope: SecretScope, name: SecretName) {
        self.owner = owner
        self.scope = scope
        self.name = name
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(ScopePart(scope.organisation))
        key.append(owner)
        key.append(ScopePart(scope.workflow))
        key.append(name)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        let organisation = try key.read(ScopePart.self).id
        owner = try key.read()
        let workflow = try key.read(ScopePart.self).id
        name = try key.read()
        switch (organisation, workflow) {
        case (nil, nil): scope = .user
        case (nil, let id?): scope = .workflow(id)
        // With a workflow beside it the key is written back without one, and so refused.
        case (let id?, _): scope = .organisation(id)
        }
    }

    /// What an owner's lists and runs may see: all but what is an organisation's.
    public static func rows(of owner: Address) -> Rows<SecretKey> { Rows(under: ScopePart.none, owner) }

    /// The secrets of an owner for one workflow, or, with `nil`, for all of them.
    public static func rows(of owner: Address, workflow: ScopeID?) -> Rows<SecretKey> {
        Rows(under: ScopePart.none, owner, ScopePart(workflow))
    }
}

/// Which secrets of organisations an owner has: they lie under the organisation, so nothing else tells.
public struct SecretOfOwnerKey: StoreKey {
    /// Empty.
    public typealias Value = [UInt8]
    public static let table = Table.secretOfOwner
    public var owner: Address
    public var organisation: ScopeID
    public var name: SecretName

    public init(owner: Address, organisation: ScopeID, name: SecretName) {
        self.owner = owner
        self.organisation = organisation
        self.name = name
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(owner)
        key.append(organisation)
        key.append(name)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        owner = try key.read()
        organisation = try key.read()
        name = try key.read()
    }
}
