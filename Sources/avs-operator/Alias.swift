import AVSConfiguration
import AVSCrypto
import AVSEthereum
import AVSOperator
import AVSPrimitives
import AVSTransport
import Logging

/// What the program does with the registry of aliases: check its own at start, declare one, remove one.
///
/// - Source: aggregator-api 3.5, 9.5, 9.7.
struct Alias {
    let registry: AliasRegistry
    let credentials: OperatorCredentials

    /// Whether the registry knows the key that signs.
    ///
    /// - Throws: `StartFailure` if it does not: the aggregator would refuse every call.
    func check() async throws {
        guard try await declared() == credentials.signer else {
            throw StartFailure(
                78,
                "the key of \(credentials.signer) is not the declared alias of operator \(credentials.address); "
                    + "`avs-operator alias declare` with the operator's own key declares it")
        }
    }

    /// Declares an alias, which takes the place of an earlier one. Does nothing if it is declared already.
    ///
    /// - Returns: the transaction; nil if there was nothing to do.
    func declare(_ alias: Address, key: SigningKey, time: any TimeSource) async throws -> Hash32? {
        guard !credentials.usesAlias else {
            throw StartFailure(
                78,
                "only the operator's own key declares an alias: the configured key is of \(credentials.signer), "
                    + "the operator is \(credentials.address)")
        }
        guard alias != credentials.address else { throw StartFailure(64, "\(alias) is the operator itself") }
        if try await declared() == alias { return nil }
        return try await send(AliasRegistry.declaration(of: alias), key, time)
    }

    /// Ends the configured key's being an alias.
    func remove(key: SigningKey, time: any TimeSource) async throws -> Hash32 {
        guard credentials.usesAlias else {
            throw StartFailure(
                78, "the alias itself removes itself: the configured key is the operator's own, \(credentials.signer)")
        }
        guard try await declared() == credentials.signer else {
            throw StartFailure(78, "\(credentials.signer) is not the alias of operator \(credentials.address)")
        }
        return try await send(AliasRegistry.removal, key, time)
    }

    /// The operator's alias as the registry has it.
    func declared() async throws -> Address? { try await asking { try await registry.alias(of: credentials.address) } }

    private func send(_ data: [UInt8], _ key: SigningKey, _ time: any TimeSource) async throws -> Hash32 {
        try await asking {
            let sender = TransactionSender(chain: registry.chain, key: key, time: time)
            return try await sender.send(data, to: try await registry.location())
        }
    }

    private func asking<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
        do {
            return try await body()
        } catch let error as ChainError {
            throw StartFailure(75, "the alias registry cannot be asked: \(error)")
        }
    }
}

/// Sends a transaction and waits until it is in a block.
struct TransactionSender {
    let chain: any ChainClient
    let key: SigningKey
    let time: any TimeSource

    /// How long a block may take: then the transaction's hash is told, and whoever runs the command looks for it.
    private static let patience = Duration.seconds(120)
    private static let pause = Duration.seconds(1)

    /// - Throws: `ChainError`, and `StartFailure` if the transaction fails or is in no block after two minutes.
    func send(_ data: [UInt8], to contract: Address) async throws -> Hash32 {
        let call = CallRequest(from: key.address, to: contract, data: data)
        let gas = try await chain.estimateGas(call)
        let (limit, isAbsurd) = gas.addingReportingOverflow(gas / 4)
        guard !isAbsurd else { throw StartFailure(75, "the chain wants \(gas) gas for the transaction") }
        let transaction = Transaction(
            chainID: chain.chainID, nonce: try await chain.transactionCount(of: key.address),
            fees: try await chain.suggestedFees(),
            gasLimit: limit, to: contract, data: data)
        let signature = try key.sign(transaction.signingHash)
        guard let r = UInt256(bigEndian: signature.r), let s = UInt256(bigEndian: signature.s),
            let raw = transaction.signed(r: r, s: s, yParity: signature.v - 27)
        else { throw StartFailure(70, "the chain's id \(chain.chainID) is too large for a signature") }
        let hash = try await chain.send(rawTransaction: raw)
        let deadline = time.monotonic + Self.patience
        while time.monotonic < deadline {
            if let receipt = try await chain.receipt(of: hash) {
                guard receipt.succeeded else { throw StartFailure(75, "transaction \(hash) failed") }
                return hash
            }
            try await time.sleep(until: time.monotonic + Self.pause)
        }
        throw StartFailure(75, "transaction \(hash) was sent and is in no block after \(Self.patience)")
    }
}
