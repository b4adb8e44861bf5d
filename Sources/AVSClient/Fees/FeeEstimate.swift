/// An amount and what it is an amount of.
public struct Fee: Hashable, Sendable, CustomStringConvertible {
    /// Decimal text.
    public var amount: String
    /// `USD`, `WEI` or `PERCENTAGE`: 0.03 of the last is three hundredths of a percent.
    public var unit: String

    public init(amount: String, unit: String) {
        self.amount = amount
        self.unit = unit
    }

    /// `0.020000 USD`
    public var description: String { "\(amount) \(unit)" }
}

/// What one run of a task would cost. The parts are in different units and are not summed.
public struct FeeEstimate: Hashable, Sendable {
    /// What running one node, or making the wallet, costs.
    public struct NodeCost: Hashable, Sendable {
        /// `_wallet_creation` for the wallet.
        public var nodeID: String
        /// `gas`, `external_api` or `wallet_creation`.
        public var kind: String
        /// In wei.
        public var fee: Fee
        /// Decimal text; empty for what takes no gas.
        public var gasUnits: String

        public init(nodeID: String, kind: String, fee: Fee, gasUnits: String) {
            self.nodeID = nodeID
            self.kind = kind
            self.fee = fee
            self.gasUnits = gasUnits
        }
    }

    /// The part of the price that follows the value that is moved.
    public struct ValueFee: Hashable, Sendable {
        /// A percentage.
        public var fee: Fee
        /// 1 to 3; nil for a task that moves no value.
        public var tier: Int?
        /// Why this tier, for people.
        public var reason: String

        public init(fee: Fee, tier: Int?, reason: String) {
            self.fee = fee
            self.tier = tier
            self.reason = reason
        }
    }

    /// What is taken off.
    public struct Discount: Hashable, Sendable {
        /// The aggregator's word for the kind of discount.
        public var kind: String
        /// For people.
        public var name: String
        /// What is taken off, in its own unit.
        public var fee: Fee

        public init(kind: String, name: String, fee: Fee) {
            self.kind = kind
            self.name = name
            self.fee = fee
        }
    }

    /// The chain that the task would act on.
    public var chainID: UInt64
    /// Of the chain's own coin: `ETH`.
    public var coinSymbol: String
    /// Places behind the point of an amount in it, over wei.
    public var coinDecimals: Int32
    /// A flat price, whatever the run does; in US dollars.
    public var executionFee: Fee
    /// What nodes cost that act on the chain or use somebody's paid service, and making the wallet.
    public var nodeCosts: [NodeCost]
    /// nil from aggregators that take none.
    public var valueFee: ValueFee?
    /// What is taken off, if anything.
    public var discounts: [Discount]
    /// What was assumed because the chain did not say.
    public var warnings: [String]

    public init(
        chainID: UInt64, coinSymbol: String = "ETH", coinDecimals: Int32 = 18, executionFee: Fee,
        nodeCosts: [NodeCost] = [], valueFee: ValueFee? = nil, discounts: [Discount] = [], warnings: [String] = []
    ) {
        self.chainID = chainID
        self.coinSymbol = coinSymbol
        self.coinDecimals = coinDecimals
        self.executionFee = executionFee
        self.nodeCosts = nodeCosts
        self.valueFee = valueFee
        self.discounts = discounts
        self.warnings = warnings
    }
}
