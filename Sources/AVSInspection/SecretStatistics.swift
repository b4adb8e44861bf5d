public import AVSCrypto
import AVSSchema
public import AVSStorage

/// How many secrets are sealed under each root key: a key with none may go (KMS-3).
public struct SecretStatistics: Hashable, Sendable {
    public private(set) var byRootKey: [RootKey.ID: Int] = [:]
    /// Not sealed: of an older release.
    public private(set) var plain = 0
    /// Neither.
    public private(set) var undecodable = 0

    public init() {}

    /// Counts the next turn of rows behind `cursor` (KEY-4).
    ///
    /// - Returns: where to go on, or nil at the end.
    public mutating func count(
        after cursor: [UInt8]?, in reader: borrowing some StoreReader & ~Copyable
    ) throws -> [UInt8]? {
        let all = Rows<SecretKey>.all.range
        var last: [UInt8]?
        let end = try reader.scan(
            cursor.map { all.after($0) } ?? all, order: .ascending, limit: StorageLimits.scanRowsMax
        ) { key, value in
            last = key
            add(value)
            return .next
        }
        return end == .limitReached ? last : nil
    }

    private mutating func add(_ value: [UInt8]) {
        do {
            switch try StoredSecret(stored: value) {
            case .plain: plain += 1
            case .sealed(let secret):
                guard let id = RootKey.ID(bytes: secret.rootKeyID) else { return undecodable += 1 }
                byRootKey[id, default: 0] += 1
            }
        } catch {
            undecodable += 1
        }
    }
}
