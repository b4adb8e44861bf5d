import AVSEthereum
public import AVSPrimitives
import BigInt

/// What a controller signs, and how much of it, on each chain (KMS-7). Amounts are wei of the chain's own coin; `nil`
/// is no bound. Tokens are not looked at.
public struct SigningPolicy: Hashable, Sendable {
    /// Chain id → the entry point there. Nothing is signed for any other.
    public var entryPoints: [UInt64: Address]
    /// What one operation, and those of a day, may cost in gas: all their limits at their highest price.
    public var gasPerOperation: UInt256?
    public var gasPerDay: UInt256?
    /// What one operation, and those of a day, may move, payments to the paymaster's owner included.
    public var valuePerOperation: UInt256?
    public var valuePerDay: UInt256?
    public var operationsPerMinute: Int?

    public init(entryPoints: [UInt64: Address]) { self.entryPoints = entryPoints }

    /// What the operation may cost.
    /// - Throws: ``SigningRefusal`` for one that is more than a single operation may be.
    func cost(of operation: UserOperation) throws(SigningRefusal) -> SigningCost {
        guard let value = SmartAccount.value(movedBy: operation.callData) else { throw .unreadableCall }
        let units =
            operation.callGasLimit.magnitude + operation.verificationGasLimit.magnitude
            + operation.preVerificationGas.magnitude
        let cost = SigningCost(gas: units * operation.maxFeePerGas.magnitude, value: value.magnitude)
        try Self.check(cost.gas, gasPerOperation, "the gas of one operation")
        try Self.check(cost.value, valuePerOperation, "the value of one operation")
        return cost
    }

    static func check(_ amount: BigUInt, _ bound: UInt256?, _ what: String) throws(SigningRefusal) {
        guard let bound, amount > bound.magnitude else { return }
        throw .tooMuch(what, wei: "\(amount)", allowed: bound)
    }
}

/// Why a controller signed nothing.
public enum SigningRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case foreignEntryPoint(Address, chainID: UInt64)
    /// It is neither one call nor a batch of calls, so nobody knows what it moves.
    case unreadableCall
    case tooMuch(String, wei: String, allowed: UInt256)
    case tooMany(allowedPerMinute: Int)

    public var description: String {
        switch self {
        case .foreignEntryPoint(let address, let chainID):
            "the controller signs nothing for entry point \(address) of chain \(chainID)"
        case .unreadableCall: "the controller signs only calls and batches of calls"
        case .tooMuch(let what, let wei, let allowed):
            "the controller does not sign: \(what) would be \(wei) wei, at most \(allowed) are allowed"
        case .tooMany(let allowed): "the controller does not sign: at most \(allowed) operations a minute are allowed"
        }
    }
}

/// The most that an operation takes from its wallet or its paymaster, in wei.
struct SigningCost: Hashable, Sendable {
    var gas: BigUInt
    var value: BigUInt
}

/// What was signed lately on one chain: since a first operation, for a minute and for a day each.
struct SigningUsage: Sendable {
    private var minute: (since: ContinuousClock.Instant, operations: Int)
    private var day: (since: ContinuousClock.Instant, cost: SigningCost)

    init(since now: ContinuousClock.Instant) {
        minute = (now, 0)
        day = (now, SigningCost(gas: 0, value: 0))
    }

    /// Counts an operation that is about to be signed; one that is refused does not count.
    mutating func add(
        _ cost: SigningCost, at now: ContinuousClock.Instant, _ policy: SigningPolicy
    ) throws(SigningRefusal) {
        if now - minute.since >= .seconds(60) { minute = (now, 0) }
        if now - day.since >= .seconds(24 * 3_600) { day = (now, SigningCost(gas: 0, value: 0)) }
        if let allowed = policy.operationsPerMinute, minute.operations >= allowed {
            throw .tooMany(allowedPerMinute: allowed)
        }
        let sum = SigningCost(gas: day.cost.gas + cost.gas, value: day.cost.value + cost.value)
        try SigningPolicy.check(sum.gas, policy.gasPerDay, "the gas of a day")
        try SigningPolicy.check(sum.value, policy.valuePerDay, "the value of a day")
        minute.operations += 1
        day.cost = sum
    }
}
