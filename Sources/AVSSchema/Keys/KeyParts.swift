public import AVSModel
public import AVSPrimitives
public import AVSStorage

extension Address: KeyPart {
    public static let keyPartLength: Int? = 42

    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        self.init(text)
    }

    public var keyPart: [UInt8] { Array(lowercased.utf8) }
}

extension TaskID: KeyPart {
    public static let keyPartLength: Int? = 26

    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        self.init(text)
    }

    public var keyPart: [UInt8] { Array(description.utf8) }
}

extension ExecutionID: KeyPart {
    public static let keyPartLength: Int? = 26

    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        self.init(text)
    }

    public var keyPart: [UInt8] { Array(description.utf8) }
}

extension TaskStatus: KeyPart {
    public static let keyPartLength: Int? = 1

    public init?(keyPart: [UInt8]) {
        guard let byte = keyPart.first, keyPart.count == 1 else { return nil }
        self.init(letter: Character(UnicodeScalar(byte)))
    }

    public var keyPart: [UInt8] { Array(String(letter).utf8) }
}

/// A salt as decimal text, of any length up to 78 digits: only compared, never sorted.
public struct SaltPart: KeyPart {
    public static let keyPartLength: Int? = nil

    public let salt: UInt256

    public init(_ salt: UInt256) { self.salt = salt }

    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self), let salt = UInt256(decimal: text) else {
            return nil
        }
        self.salt = salt
    }

    public var keyPart: [UInt8] { Array(salt.description.utf8) }
}

/// The first 16 bytes of the SHA-256 of an identity: long enough that no two identities meet.
public struct IdentityDigest: KeyPart {
    public static let keyPartLength: Int? = 32

    public let bytes: [UInt8]

    /// - Returns: `nil` unless there are at least 16 bytes; what follows them is cut off.
    public init?(sha256 bytes: [UInt8]) {
        guard bytes.count >= 16 else { return nil }
        self.bytes = Array(bytes.prefix(16))
    }

    public init?(keyPart: [UInt8]) {
        guard keyPart.count == 32, let text = String(validating: keyPart, as: UTF8.self), let bytes = Hex.decode(text)
        else { return nil }
        self.init(sha256: bytes)
    }

    public var keyPart: [UInt8] { Array(Hex.encode(bytes).utf8) }
}

/// Where a job stands: the letter in its key.
public enum JobState: String, KeyPart, CaseIterable {
    case waiting = "q"
    case running = "p"
    case done = "c"
    case failed = "f"

    public static let keyPartLength: Int? = 1
}
