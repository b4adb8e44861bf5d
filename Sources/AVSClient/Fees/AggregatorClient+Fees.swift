import AVSPrimitives
import AVSProto
import AVSWire

extension AggregatorClient {
    /// What one run of a task would cost.
    ///
    /// A task without an end is estimated for a year.
    ///
    /// - Throws: ``AggregatorError/invalidArgument(field:_:)`` for a task that ends before it begins.
    public func estimateFees(for task: NewTask) async throws(AggregatorError) -> FeeEstimate {
        let begin = task.startAt ?? time.now
        let request = Wire.EstimateFeesReq.with {
            $0.trigger = Wire.TaskTrigger(task.trigger)
            $0.nodes = task.nodes.map { Wire.TaskNode($0) }
            $0.edges = task.edges.map { Wire.TaskEdge($0) }
            $0.createdAt = begin.milliseconds
            $0.expireAt = (task.expiredAt ?? begin.adding(.seconds(365 * 24 * 3_600))).milliseconds
            $0.maxExecution = task.maxExecution
            $0.runner = task.wallet.checksummed
            $0.inputVariables = task.filledVariables
        }
        let answer = try await call(Wire.AggregatorMethods.estimateFees, request, .safe)
        return try reading { try FeeEstimate(answer) }
    }
}

extension FeeEstimate {
    fileprivate init(_ wire: Wire.EstimateFeesResp) throws {
        guard let chainID = UInt64(wire.chainId) else {
            throw MalformedMessage("'\(wire.chainId.prefix(64))' is no chain id")
        }
        guard let fee = wire.executionFee else { throw MalformedMessage("an estimate has no execution fee") }
        self.init(
            chainID: chainID, coinSymbol: wire.nativeToken?.symbol ?? "", coinDecimals: wire.nativeToken?.decimals ?? 0,
            executionFee: Fee(fee),
            nodeCosts: wire.cogs.map {
                NodeCost(nodeID: $0.nodeId, kind: $0.costType, fee: Fee($0.fee), gasUnits: $0.gasUnits)
            },
            valueFee: wire.valueFee.map {
                let tier = $0.tier == .unspecified ? nil : Int($0.tier.rawValue)
                return ValueFee(fee: Fee($0.fee), tier: tier, reason: $0.reason)
            },
            discounts: wire.discounts.map {
                Discount(kind: $0.discountType, name: $0.discountName, fee: Fee($0.discount))
            },
            warnings: wire.warnings)
    }
}

extension Fee {
    fileprivate init(_ wire: Wire.Fee?) { self.init(amount: wire?.amount ?? "", unit: wire?.unit ?? "") }
}
