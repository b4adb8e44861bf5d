public import AVSPrimitives
import AVSStorage

/// A loss that a person has accepted (DUR-16): `meta:rollback:<milliseconds, 20 digits>` →
/// `found=<commit>,acknowledged=<commit>`.
///
/// It stays for ever: whoever misses something later finds out since when.
public struct AcceptedRollback: Hashable, Sendable {
    /// The last commit that is there.
    public var found: UInt64
    /// The last commit that was acknowledged; `UInt64.max` when nobody knows.
    public var acknowledged: UInt64

    public init(found: UInt64, acknowledged: UInt64) {
        self.found = found
        self.acknowledged = acknowledged
    }

    public static func key(at now: Timestamp) -> [UInt8] {
        Array("\(StoreMeta.table.prefix)rollback:".utf8) + UInt64(max(0, now.milliseconds)).keyPart
    }

    public var stored: [UInt8] {
        Array("found=\(found),acknowledged=\(acknowledged == .max ? "unknown" : "\(acknowledged)")".utf8)
    }
}
