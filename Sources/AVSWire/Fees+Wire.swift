public import AVSModel
import AVSPrimitives
public import AVSProto

/// In what a price is counted; raw values are the names on the wire.
public enum FeeUnit: String, Sendable, Hashable {
    case dollars = "USD"
    case wei = "WEI"
    /// Of the value moved.
    case percent = "PERCENTAGE"
}

extension Wire.Fee {
    /// - Parameter amount: decimal text.
    public init(_ amount: String, _ unit: FeeUnit) {
        self.init()
        self.amount = amount
        self.unit = unit.rawValue
    }
}

extension Wire.NodeCOGS {
    public init(_ cost: NodeCost) {
        self.init()
        nodeId = cost.nodeID
        costType = cost.kind.rawValue
        fee = Wire.Fee(cost.wei.description, .wei)
        gasUnits = cost.gas.description
    }
}

extension Wire.ValueFee {
    public init(_ valueFee: ValueFee) {
        self.init()
        let isNothing = valueFee.tier == .none
        fee = Wire.Fee(valueFee.percentage, .percent)
        tier = Wire.ExecutionTier(rawValue: valueFee.tier.rawValue)
        valueBase = isNothing ? "" : "input_token_value"
        classificationMethod = "rule_based"
        confidence = 1
        reason = isNothing ? "the workflow moves no value on a chain" : "the workflow acts on a chain"
    }
}

extension ExecutionFees {
    /// Those of a record. What it does not say, or says in words of a newer release, is the standard price and no
    /// share.
    init(_ wire: Wire.Execution) {
        self.init(
            execution: wire.executionFee?.amount ?? Self.standard.execution,
            value: wire.valueFee.flatMap { ValueFee($0) })
    }
}

extension ValueFee {
    fileprivate init?(_ wire: Wire.ValueFee) {
        guard let tier = Tier(rawValue: wire.tier.rawValue), let fee = wire.fee else { return nil }
        self.init(tier: tier, percentage: fee.amount)
    }
}
