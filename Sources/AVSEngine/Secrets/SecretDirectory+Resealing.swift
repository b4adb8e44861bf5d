import AVSCrypto
import AVSPrimitives
import AVSSchema
import AVSStorage
import Logging

/// What one pass over the secrets did.
public struct ResealReport: Hashable, Sendable {
    public var resealed = 0
    /// Under a root key that is not there, or not authentic: left as they are.
    public var unreadable = 0
}

extension SecretDirectory {
    /// Between two looks at the root keys.
    private static let period = Duration.seconds(5)

    /// Watches the root keys until cancelled, and brings every secret under the current one: after a rotation (KMS-3),
    /// and those of an older release at the first start (KMS-4).
    ///
    /// A pass that found work is followed by another, for values that were being sealed under the old key meanwhile.
    public func run() async throws {
        var isDue = true  // at the start what an older release wrote, or a pass that was cut short, waits
        var trouble = ""
        while !Task.isCancelled {
            do {
                if try loadKeys() {
                    isDue = true
                    logger.info("root key", metadata: ["current": "\(keys.current.map { "\($0.id)" } ?? "none")"])
                }
                trouble = ""
            } catch {
                if "\(error)" != trouble {
                    logger.warning("root keys cannot be read; the old ones stay", metadata: ["error": "\(error)"])
                }
                trouble = "\(error)"
            }
            if isDue { isDue = try await isPassWithWork() }
            try await time.sleep(until: time.monotonic + Self.period)
        }
    }

    private func isPassWithWork() async throws -> Bool {
        do {
            let report = try await reseal()
            if report != ResealReport() { logger.info("resealed secrets", metadata: ["report": "\(report)"]) }
            return report.resealed > 0
        } catch let error where !(error is CancellationError) {
            logger.error("a pass over the secrets failed and is tried again", metadata: ["error": "\(error)"])
            return true
        }
    }

    /// One pass: seals under the current root key what is not. Nothing happens without one.
    ///
    /// Each turn replaces only what is still as it was read, so a value that its owner changes meanwhile is safe; and
    /// at every moment each record opens with a key that is known, so a crash leaves nothing unreadable. What a plain
    /// value of an older release was stays in blocks of the database's files until these are compacted or reused.
    public func reseal() async throws -> ResealReport {
        var report = ResealReport()
        let keys = keys
        guard let current = keys.current else { return report }
        var rest = Rows<SecretKey>.all.range
        while true {
            let turn = try await store.readWithoutBlocking { [rest] in try $0.turn(of: rest, current: current.id) }
            var changes: [Resealed] = []
            for row in turn.rows {
                do throws(SecretTrouble) {
                    changes.append(try resealed(row, with: current, keys))
                } catch {
                    report.unreadable += 1
                    logger.error(
                        "a secret cannot be resealed", metadata: ["owner": "\(row.key.owner)", "error": "\(error)"])
                }
            }
            report.resealed += try await replace(changes)
            guard let last = turn.last else { return report }
            rest = rest.after(last)
            try Task.checkCancellation()
        }
    }

    private func resealed(
        _ row: StoredRow, with current: RootKey, _ keys: RootKeys
    ) throws(SecretTrouble) -> Resealed {
        let never = Timestamp(milliseconds: 0)
        var (createdAt, updatedAt) = (never, never)
        if case .sealed(let old) = row.value { (createdAt, updatedAt) = (old.createdAt, old.updatedAt) }
        let value = try SecretSealer.open(row.value, at: row.key, with: keys)
        var generator = random.generator
        let sealed = try SecretSealer.seal(
            value, at: row.key, with: current, createdAt: createdAt, updatedAt: updatedAt, using: &generator)
        return Resealed(key: row.key, old: row.bytes, new: sealed)
    }

    private func replace(_ changes: [Resealed]) async throws -> Int {
        guard !changes.isEmpty else { return 0 }
        return try await store.update { transaction in
            var count = 0
            for change in changes where try transaction.get(change.key.bytes) == change.old {
                try transaction.put(change.key, .sealed(change.new))
                try transaction.noteOrganisation(of: change.key)
                count += 1
            }
            return count
        }
    }

    private struct Resealed: Sendable {
        var key: SecretKey
        var old: [UInt8]
        var new: SealedSecret
    }
}

/// A row as it was read: its bytes tell later whether it is still the same.
private struct StoredRow: Sendable {
    var key: SecretKey
    var value: StoredSecret
    var bytes: [UInt8]
}

extension StoreReader where Self: ~Copyable {
    /// The next rows that are not sealed under the current key, and the last key that was looked at; `nil` at the end.
    fileprivate func turn(of range: KeyRange, current: RootKey.ID) throws -> (rows: [StoredRow], last: [UInt8]?) {
        var rows: [StoredRow] = []
        var last: [UInt8]?
        var bytes = 0
        try scan(range, order: .ascending, limit: SecretTurn.rows) { key, stored in
            last = key
            // What cannot be read is a finding of the store check, not of this pass.
            guard let row = StoredRow(key, stored), row.value.rootKeyID != current.bytes else { return .next }
            rows.append(row)
            bytes += stored.count
            return bytes < SecretTurn.bytes ? .next : .stop
        }
        return (rows, last)
    }
}

extension StoredRow {
    init?(_ key: [UInt8], _ stored: [UInt8]) {
        do {
            self.init(key: try SecretKey(bytes: key), value: try StoredSecret(stored: stored), bytes: stored)
        } catch {
            return nil
        }
    }
}

extension StoredSecret {
    /// `nil` for a value that is not sealed.
    fileprivate var rootKeyID: [UInt8]? { if case .sealed(let secret) = self { secret.rootKeyID } else { nil } }
}

/// Rows and bytes of one turn: far below what one update may change.
private enum SecretTurn {
    static let rows = 256
    static let bytes = 1 << 20
}
