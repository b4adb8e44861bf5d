public import AVSPrimitives

/// An amount of US dollars, exact to six digits behind the point.
public struct Dollars: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The amount times 1,000,000.
    public var millionths: UInt64

    public init(millionths: UInt64) { self.millionths = millionths }

    /// As prices are shown: `0.020000`.
    public var description: String {
        let (whole, rest) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        let digits = String(rest)
        return "\(whole)." + String(repeating: "0", count: 6 - digits.utf8.count) + digits
    }

    public static func < (left: Dollars, right: Dollars) -> Bool { left.millionths < right.millionths }
}

/// What the service asks for runs.
///
/// - Source: execution-engine 8.1.
public struct FeeRates: Hashable, Sendable {
    /// Of every run, whatever it does.
    public var execution = Dollars(millionths: 20_000)
    /// Of the value that a workflow of the first tier moves: percent, as decimal text.
    public var firstTier = "0.03"
    /// How much an owner may owe before its runs are refused.
    public var creditLimit = Dollars(millionths: 0)
    /// Of one coin of the chain; 0 is not known.
    public var coinPrice = Dollars(millionths: 2_500_000_000)

    public init() {}

    /// What an amount is in wei, rounded down; `nil` where the price of the coin is not known (8.3).
    public func wei(_ amount: Dollars) -> UInt256? {
        guard coinPrice.millionths > 0 else { return nil }
        // At most 2^64 × 10^18, which is below 2^124.
        let wei = UInt128(amount.millionths) * 1_000_000_000_000_000_000 / UInt128(coinPrice.millionths)
        return UInt256(decimal: String(wei))
    }

    /// What a run of these nodes is asked for. Looks at the definition, so nodes that a branch skips count too.
    public func fees(of nodes: [Node]) -> ExecutionFees {
        ExecutionFees(execution: execution.description, value: valueFee(of: nodes))
    }

    /// The share of the value that these nodes move. Version 1 knows one tier: of what acts on a chain.
    public func valueFee(of nodes: [Node]) -> ValueFee {
        nodes.contains(where: \.config.actsOnChain) ? ValueFee(tier: .first, percentage: firstTier) : .nothing
    }
}

/// What a run is asked for beside the gas of its nodes; the parts are never summed.
public struct ExecutionFees: Hashable, Sendable {
    /// US dollars, as decimal text with six digits behind the point.
    public var execution: String
    /// `nil` in records of releases that did not know it.
    public var value: ValueFee?

    public init(execution: String, value: ValueFee?) {
        self.execution = execution
        self.value = value
    }

    /// Of a workflow that moves nothing, when nobody set another price.
    public static let standard = FeeRates().fees(of: [])
}

/// A share of the value that a workflow moves.
public struct ValueFee: Hashable, Sendable {
    /// How much a workflow earns by being run; raw values are the numbers on the wire.
    public enum Tier: Int32, Sendable, Hashable, CaseIterable {
        /// Nothing is moved.
        case none = 0
        case first = 1
        case second = 2
        case third = 3
    }

    public var tier: Tier
    /// Percent, as decimal text: `0.03` is three ten-thousandths.
    public var percentage: String

    public init(tier: Tier, percentage: String) {
        self.tier = tier
        self.percentage = percentage
    }

    public static let nothing = ValueFee(tier: .none, percentage: "0")
}

/// What one node, or the making of a wallet, takes from a chain.
public struct NodeCost: Hashable, Sendable {
    /// Raw values are the names on the wire.
    public enum Kind: String, Sendable, Hashable {
        case gas
        case walletCreation = "wallet_creation"
    }

    public var nodeID: String
    public var kind: Kind
    public var wei: UInt256
    /// Units of gas.
    public var gas: UInt256

    public init(nodeID: String, kind: Kind, wei: UInt256, gas: UInt256) {
        self.nodeID = nodeID
        self.kind = kind
        self.wei = wei
        self.gas = gas
    }
}

extension Execution {
    /// What its steps took from the chain: one entry for each that transferred, wrote or looped over such, and paid.
    public var costs: [NodeCost] {
        steps.compactMap { step in
            guard step.kind.mayActOnChain, let wei = UInt256(decimal: step.totalGasCost), wei > .zero else {
                return nil
            }
            return NodeCost(nodeID: step.id, kind: .gas, wei: wei, gas: UInt256(decimal: step.gasUsed) ?? .zero)
        }
    }
}

extension StepKind {
    fileprivate var mayActOnChain: Bool {
        switch self {
        case .node(.ethTransfer), .node(.contractWrite), .node(.loop): true
        case .node, .trigger: false
        }
    }
}
