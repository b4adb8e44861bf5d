public import AVSModel
import AVSPrimitives
import AVSProto
public import AVSStorage

extension SmartWallet: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.WalletRecord(serialized: bytes)
        guard let salt = UInt256(decimal: record.salt) else {
            throw MalformedValue("'\(record.salt.prefix(80))' is no salt")
        }
        self.init(
            owner: try Address(recorded: record.owner), address: try Address(recorded: record.address),
            factory: record.factory.isEmpty ? nil : try Address(recorded: record.factory), salt: salt,
            isHidden: record.isHidden, isStale: record.staleDerivation)
    }

    public var stored: [UInt8] {
        var record = Stored.WalletRecord()
        record.owner = owner.lowercased
        record.address = address.lowercased
        record.factory = factory?.lowercased ?? ""
        record.salt = salt.description
        record.isHidden = isHidden
        record.staleDerivation = isStale
        return record.serialized()
    }
}
