public import AVSPrimitives

/// A registered smart wallet: an ERC-4337 account that its owner controls through a factory.
public struct SmartWallet: Hashable, Sendable {
    public var owner: Address
    public var address: Address
    /// `nil` on records of older releases.
    public var factory: Address?
    public var salt: UInt256
    /// Hidden is presentation only: the wallet stays usable.
    public var isHidden: Bool
    /// The factory derives another address today; kept because it may hold assets, never listed (7.2).
    public var isStale: Bool

    public init(
        owner: Address, address: Address, factory: Address?, salt: UInt256, isHidden: Bool = false,
        isStale: Bool = false
    ) {
        self.owner = owner
        self.address = address
        self.factory = factory
        self.salt = salt
        self.isHidden = isHidden
        self.isStale = isStale
    }
}

/// How many tasks of a wallet are in each status.
public struct TaskCounts: Hashable, Sendable {
    public var byStatus: [TaskStatus: Int] = [:]

    public init() {}

    public mutating func count(_ status: TaskStatus) { byStatus[status, default: 0] += 1 }

    public var total: Int { byStatus.values.reduce(0, +) }
    /// Running tasks count as enabled: clients know no other number for them (R5).
    public var enabled: Int { self[.enabled] + self[.running] }

    public subscript(status: TaskStatus) -> Int { byStatus[status] ?? 0 }
}
