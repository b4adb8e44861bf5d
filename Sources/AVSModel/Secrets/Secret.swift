public import AVSPrimitives

/// What a secret is called: 1 to 255 of `A-Z a-z 0-9 _`, case-sensitive, and not starting with `ap_` in any case, which
/// is for the server's own.
///
/// - Source: aggregator-api 8.2.
public struct SecretName: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// - Throws: ``InvalidArgument`` with the texts of aggregator-api 2.10.
    public init(_ text: String) throws(InvalidArgument) {
        let bytes = Array(text.utf8)
        guard (1...255).contains(bytes.count) else {
            throw InvalidArgument(.invalidRequest, "secret name length is invalid: should be 1-255 character")
        }
        guard String(decoding: bytes.prefix(3), as: UTF8.self).lowercased() != "ap_" else {
            throw InvalidArgument(.invalidRequest, "secret name cannot start with ap_")
        }
        guard bytes.allSatisfy(ScopeID.isLetterDigitOrUnderscore) else {
            throw InvalidArgument(.invalidRequest, "secret name has other characters than A-Z, a-z, 0-9 and _")
        }
        description = text
    }
}

/// The workflow or the organisation that a secret is for: 1 to 255 of `A-Z a-z 0-9 _ - .`, and not `_` alone, which
/// stands for none in a key. It need not exist (aggregator-api 8.1).
public struct ScopeID: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (1...255).contains(bytes.count), text != "_" else { return nil }
        guard
            bytes.allSatisfy({
                Self.isLetterDigitOrUnderscore($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
            })
        else { return nil }
        description = text
    }

    public init(_ task: TaskID) { description = task.description }

    static func isLetterDigitOrUnderscore(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// For which runs of its owner a secret is.
public enum SecretScope: Hashable, Sendable {
    case user
    case workflow(ScopeID)
    /// Stored and deleted, but neither listed nor given to runs: reserved (aggregator-api 8.1).
    case organisation(ScopeID)

    /// The scope that a request names; the workflow wins where both are given.
    public init(workflow: String, organisation: String) throws(InvalidArgument) {
        if !workflow.isEmpty {
            self = .workflow(try Self.id(workflow, "workflow_id"))
        } else if !organisation.isEmpty {
            self = .organisation(try Self.id(organisation, "org_id"))
        } else {
            self = .user
        }
    }

    private static func id(_ text: String, _ field: String) throws(InvalidArgument) -> ScopeID {
        guard let id = ScopeID(text) else {
            throw InvalidArgument(.invalidRequest, "\(field) is invalid: wanted 1 to 255 of A-Z, a-z, 0-9, _, - and .")
        }
        return id
    }

    /// The word for it in answers.
    public var name: String {
        switch self {
        case .user: "user"
        case .workflow: "workflow"
        case .organisation: "org"
        }
    }

    public var workflow: ScopeID? { if case .workflow(let id) = self { id } else { nil } }
    public var organisation: ScopeID? { if case .organisation(let id) = self { id } else { nil } }
}

/// One secret without its value: all that is ever listed.
public struct SecretEntry: Hashable, Sendable {
    public var name: SecretName
    public var scope: SecretScope
    public var owner: Address
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(name: SecretName, scope: SecretScope, owner: Address, createdAt: Timestamp, updatedAt: Timestamp) {
        self.name = name
        self.scope = scope
        self.owner = owner
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
