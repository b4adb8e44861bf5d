public import AVSPrimitives

/// A transaction before it is signed.
public struct Transaction: Hashable, Sendable {
    /// How the sender pays for gas, which is also the transaction's type.
    public enum Fees: Hashable, Sendable {
        /// Type 0 with the chain id in the signature (EIP-155).
        case legacy(gasPrice: UInt256)
        /// Type 2 (EIP-1559).
        case dynamic(maxPriorityFeePerGas: UInt256, maxFeePerGas: UInt256)
    }

    public var chainID: UInt64
    public var nonce: UInt64
    public var fees: Fees
    public var gasLimit: UInt64
    /// Nil creates a contract.
    public var to: Address?
    /// Wei.
    public var value: UInt256
    public var data: [UInt8]

    public init(
        chainID: UInt64, nonce: UInt64, fees: Fees, gasLimit: UInt64, to: Address?, value: UInt256 = .zero,
        data: [UInt8] = []
    ) {
        self.chainID = chainID
        self.nonce = nonce
        self.fees = fees
        self.gasLimit = gasLimit
        self.to = to
        self.value = value
        self.data = data
    }

    /// What the sender signs.
    public var signingHash: Hash32 {
        switch fees {
        case .legacy: Keccak256.hash(RLP.list(fields + [.number(chainID), .number(0), .number(0)]).encoded)
        case .dynamic: Keccak256.hash([2] + RLP.list(fields).encoded)
        }
    }

    /// The signed transaction, as `eth_sendRawTransaction` takes it. Its hash is the Keccak digest of these bytes.
    ///
    /// - Parameter yParity: 0 or 1; a signature's v of 27 or 28, less 27.
    /// - Returns: nil if `yParity` is neither, or if a legacy chain id is too large for its v.
    public func signed(r: UInt256, s: UInt256, yParity: UInt8) -> [UInt8]? {
        guard yParity <= 1 else { return nil }
        switch fees {
        case .legacy:
            let (doubled, overflow) = chainID.multipliedReportingOverflow(by: 2)
            let (v, carry) = doubled.addingReportingOverflow(35 + UInt64(yParity))
            guard !overflow, !carry else { return nil }
            return RLP.list(fields + [.number(v), .number(r), .number(s)]).encoded
        case .dynamic:
            return [2] + RLP.list(fields + [.number(UInt64(yParity)), .number(r), .number(s)]).encoded
        }
    }

    private var fields: [RLP] {
        let body: [RLP] = [.number(gasLimit), .address(to), .number(value), .bytes(data)]
        return switch fees {
        case .legacy(let gasPrice):
            [.number(nonce), .number(gasPrice)] + body
        case .dynamic(let tip, let maximum):
            // The empty list is the access list, of which we have no use.
            [.number(chainID), .number(nonce), .number(tip), .number(maximum)] + body + [.list([])]
        }
    }
}
