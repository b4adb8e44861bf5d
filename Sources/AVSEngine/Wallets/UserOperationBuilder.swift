import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSWorkflow
import BigInt

/// A chain on which user operations are sent.
struct OperationChain: Sendable {
    let client: any ChainClient
    let bundler: any ChainClient
    let entryPoint: Address
    let factory: Address
    let paymaster: Address?

    var id: UInt64 { client.chainID }
}

/// A user operation that is signed and may be sent.
struct SignedOperation: Sendable {
    var operation: UserOperation
    /// Seconds since the epoch; `nil` is without end.
    var validUntil: UInt64?
    /// The newest block when it was made.
    var fromBlock: UInt64
}

/// Makes user operations: address and code of the wallet, gas, fees, paymaster, signatures.
///
/// - Source: execution-engine 7.3 to 7.7.
struct UserOperationBuilder: Sendable {
    let chain: OperationChain
    let signer: any OperationSigner
    let time: any TimeSource
    /// What the wallet pays for the execution beside its gas; zero where that is paid already, or asked of nobody.
    let executionFee: UInt256

    /// How long a paymaster's signature is valid (7.6).
    static let validitySeconds: UInt64 = 15 * 60

    /// - Parameter isSponsored: false leaves out a paymaster that is configured.
    /// - Throws: ``WalletCallFailure/notSent(_:)``, ``ChainError``.
    func build(
        _ call: WalletCall, by wallet: SmartWallet, nonce: UInt256, isSponsored: Bool
    ) async throws -> SignedOperation {
        guard let head = try await chain.client.block(.latest) else {
            throw WalletCallFailure.notSent("the chain has no latest block")
        }
        let isDeployed = try await !chain.client.code(at: wallet.address).isEmpty
        let fees = try await OperationFees(chain.client, baseFee: head.baseFeePerGas)
        var operation = UserOperation(
            sender: wallet.address, nonce: nonce, initCode: isDeployed ? [] : try await initCode(of: wallet),
            callData: SmartAccount.execute(call.call), callGasLimit: .zero, verificationGasLimit: .zero,
            preVerificationGas: OperationGas.preVerification, maxFeePerGas: fees.maximum,
            maxPriorityFeePerGas: fees.priority, signature: try signer.placeholder())
        let paymaster = isSponsored ? chain.paymaster : nil
        let validUntil = max(UInt64(clamping: time.now.seconds), head.timestamp) + Self.validitySeconds
        var gas = try await estimate(operation, paymaster, validUntil: validUntil)
        if !isDeployed { gas.verificationGasLimit = OperationGas.deployment }
        if let paymaster, call.reimburses,
            let batch = try await reimbursed(call.call, gas: gas, fees: fees, wallet: wallet.address, paymaster)
        {
            operation.callData = SmartAccount.executeBatch(batch)
            gas = OperationGas.unestimated
            if !isDeployed { gas.verificationGasLimit = OperationGas.deployment }
        }
        operation.callGasLimit = max(gas.callGasLimit, call.gasLimit ?? .zero)
        operation.verificationGasLimit = gas.verificationGasLimit
        operation.preVerificationGas = gas.preVerificationGas
        if let paymaster { try await sponsor(&operation, paymaster, validUntil: validUntil) }
        operation.signature = try signer.sign(operation, entryPoint: chain.entryPoint, chainID: chain.id)
        return SignedOperation(
            operation: operation, validUntil: paymaster == nil ? nil : validUntil, fromBlock: head.number)
    }

    /// What deploys the wallet: its factory must put it where it is said to be (7.3).
    private func initCode(of wallet: SmartWallet) async throws -> [UInt8] {
        let factory = wallet.factory ?? chain.factory
        let derived = try await chain.client.walletAddress(owner: wallet.owner, factory: factory, salt: wallet.salt)
        guard derived == wallet.address else {
            throw WalletCallFailure.notSent(
                "smart wallet not deployed: \(wallet.address) has no code, and its factory would deploy \(derived)")
        }
        return SmartAccount.initCode(factory: factory, owner: wallet.owner, salt: wallet.salt)
    }

    // MARK: Gas

    /// What the bundler says the operation needs, or what always suffices where it does not say.
    ///
    /// - Throws: ``ChainError`` where the bundler cannot be reached: then it cannot be sent to either, and nothing has
    ///   happened yet.
    private func estimate(
        _ operation: UserOperation, _ paymaster: Address?, validUntil: UInt64
    ) async throws -> UserOperationGas {
        var operation = operation
        if let paymaster {
            operation.paymasterAndData = SmartAccount.paymasterData(
                paymaster, validUntil: validUntil, signature: try signer.placeholder())
        } else {
            operation.callGasLimit = OperationGas.firstGuess.callGasLimit
            operation.verificationGasLimit = OperationGas.firstGuess.verificationGasLimit
        }
        var attempt = 0
        while true {
            attempt += 1
            do throws(ChainError) {
                return try await chain.bundler.estimateGas(of: operation, at: chain.entryPoint)
            } catch {
                if case .cancelled = error { throw error }
                if BundlerError(error).isRefusal || BundlerError(error).lacksMethod {
                    return paymaster == nil ? OperationGas.selfFunded : OperationGas.unestimated
                }
                guard attempt < 3 else { throw error }
            }
            try await time.sleep(until: time.monotonic + .milliseconds(500 * attempt))
        }
    }

    // MARK: Reimbursement

    /// The call and payments to whom the paymaster belongs, for the gas and for the execution; `nil` where the wallet
    /// cannot afford all of it (7.7).
    private func reimbursed(
        _ call: SmartAccount.Call, gas: UserOperationGas, fees: OperationFees, wallet: Address, _ paymaster: Address
    ) async throws -> [SmartAccount.Call]? {
        let units =
            gas.preVerificationGas.magnitude + gas.verificationGasLimit.magnitude + gas.callGasLimit.magnitude + 21_000
        guard let amount = UInt256(units * fees.maximum.magnitude) else { return nil }
        let balance = try await chain.client.balance(of: wallet)
        guard balance.magnitude >= call.value.magnitude + amount.magnitude + executionFee.magnitude else { return nil }
        let recipient: Address
        do throws(ChainError) {
            recipient = try await chain.client.address(answeredBy: paymaster, to: [0x8d, 0xa5, 0xcb, 0x5b]) ?? paymaster
        } catch {
            recipient = paymaster
        }
        let payments = executionFee == .zero ? [amount] : [amount, executionFee]
        return [call] + payments.map { SmartAccount.Call(target: recipient, value: $0) }
    }

    // MARK: Paymaster

    /// Fills in the paymaster's data with the controller's signature (7.6).
    private func sponsor(_ operation: inout UserOperation, _ paymaster: Address, validUntil: UInt64) async throws {
        try await checkTrust(of: paymaster)
        let placeholder = try signer.placeholder()
        operation.paymasterAndData = SmartAccount.paymasterData(
            paymaster, validUntil: validUntil, signature: placeholder)
        operation.signature = placeholder
        let question = try SmartAccount.paymasterHashCall(operation, validUntil: validUntil)
        let answer = try await chain.client.call(to: paymaster, data: question)
        guard let hash = Hash32(bytes: answer) else {
            throw WalletCallFailure.notSent("paymaster \(paymaster) answered getHash with \(answer.count) bytes")
        }
        let signature = try signer.sign(paymasterHash: hash, of: operation)
        operation.paymasterAndData = SmartAccount.paymasterData(paymaster, validUntil: validUntil, signature: signature)
    }

    /// That the chain does not answer this question is tolerated: the bundler would say so too.
    private func checkTrust(of paymaster: Address) async throws {
        let trusted: Address?
        do throws(ChainError) {
            trusted = try await chain.client.address(answeredBy: paymaster, to: [0x23, 0xd9, 0xac, 0x9b])
        } catch {
            return
        }
        guard let trusted, trusted != signer.address else { return }
        throw WalletCallFailure.notSent(
            "paymaster \(paymaster) trusts signer \(trusted), and the controller is \(signer.address)")
    }
}

/// What an operation offers for a unit of gas, in wei.
///
/// - Source: execution-engine 7.5.
struct OperationFees: Hashable, Sendable {
    var priority: UInt256
    var maximum: UInt256

    private static let gwei = BigUInt(1_000_000_000)

    init(_ client: any ChainClient, baseFee: UInt256?) async throws(ChainError) {
        let tip = baseFee == nil ? try await client.gasPrice() : try await client.maxPriorityFeePerGas()
        self.init(tip: tip, baseFee: baseFee)
    }

    /// - Parameter baseFee: `nil` on a chain that has none; `tip` is then its price of gas.
    init(tip: UInt256, baseFee: UInt256?) {
        let priority: BigUInt = max(tip.magnitude + tip.magnitude / 100 * 13, 2 * Self.gwei)
        let wanted: BigUInt = baseFee.map { $0.magnitude * 2 + priority } ?? priority
        let maximum: BigUInt = max(wanted, 2 * Self.gwei, priority + Self.gwei)
        self.priority = UInt256.saturating(priority)
        self.maximum = UInt256.saturating(maximum)
    }
}

extension UInt256 {
    fileprivate static func saturating(_ number: BigUInt) -> UInt256 {
        let exact: UInt256? = UInt256(number)
        return exact ?? .max
    }
}

extension ChainClient {
    /// A contract's answer that is one address; `nil` for any other, and for none.
    fileprivate func address(answeredBy contract: Address, to data: [UInt8]) async throws(ChainError) -> Address? {
        let answer = try await call(to: contract, data: data)
        guard answer.count == 32, answer.prefix(12).allSatisfy({ $0 == 0 }) else { return nil }
        return Address(bytes: answer.suffix(20))
    }
}
