public import AVSModel
public import AVSPrimitives
import AVSProto
import AVSWire

extension AggregatorClient {
    /// Derives the caller's wallet of a salt and registers it. A second call gives the same wallet.
    ///
    /// - Parameters:
    ///   - salt: tells the caller's wallets apart.
    ///   - factory: nil is the aggregator's default one.
    /// - Throws: ``AggregatorError/limit(_:_:)`` when the owner has as many wallets as are allowed.
    public func getWallet(
        salt: UInt256 = .zero, factory: Address? = nil
    ) async throws(AggregatorError) -> WalletSummary {
        let session = try await signedIn()
        let request = Wire.GetWalletReq.with {
            $0.salt = "\(salt)"
            $0.factoryAddress = factory?.checksummed ?? ""
        }
        let answer = try await call(Wire.AggregatorMethods.getWallet, request, .safe)
        return try reading { try WalletSummary(answer, owner: session.owner) }
    }

    /// Hides a registered wallet or shows it again. Presentation only: it stays usable and listed.
    ///
    /// - Throws: ``AggregatorError/notFound(_:)`` for a wallet that was never registered.
    @discardableResult
    public func setWallet(
        salt: UInt256, factory: Address? = nil, isHidden: Bool, idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) -> WalletSummary {
        let session = try await signedIn()
        let request = Wire.SetWalletReq.with {
            $0.salt = "\(salt)"
            $0.factoryAddress = factory?.checksummed ?? ""
            $0.isHidden = isHidden
        }
        let answer = try await call(Wire.AggregatorMethods.setWallet, request, .change(idempotencyKey))
        return try reading { try WalletSummary(answer, owner: session.owner) }
    }

    /// All registered wallets of the caller, hidden ones too: the default wallet first, the rest by address.
    ///
    /// - Parameters: what to keep; nil keeps all.
    public func listWallets(
        factory: Address? = nil, salt: UInt256? = nil
    ) async throws(AggregatorError) -> [SmartWallet] {
        let session = try await signedIn()
        let request = Wire.ListWalletReq.with {
            $0.factoryAddress = factory?.checksummed ?? ""
            $0.salt = salt.map { "\($0)" } ?? ""
        }
        let answer = try await call(Wire.AggregatorMethods.listWallets, request, .safe)
        return try reading {
            try answer.items.map {
                try SmartWallet(
                    owner: session.owner, address: $0.address, factory: $0.factory, salt: $0.salt, isHidden: $0.isHidden
                )
            }
        }
    }

    /// The next nonce of a smart wallet at the entry point; 0 for one that was never used. Needs no session.
    public func getNonce(of wallet: Address) async throws(AggregatorError) -> UInt256 {
        let request = Wire.NonceRequest.with { $0.owner = wallet.checksummed }
        let answer = try await call(Wire.AggregatorMethods.getNonce, request, .safe, for: .everybody)
        return try reading {
            guard let nonce = UInt256(decimal: answer.nonce) else {
                throw MalformedMessage("nonce '\(answer.nonce.prefix(80))' is no decimal number of 256 bits")
            }
            return nonce
        }
    }
}

extension WalletSummary {
    fileprivate init(_ wire: Wire.GetWalletResp, owner: Address) throws {
        self.init(
            wallet: try SmartWallet(
                owner: owner, address: wire.address, factory: wire.factoryAddress, salt: wire.salt,
                isHidden: wire.isHidden),
            taskCount: wire.totalTaskCount, enabledTaskCount: wire.enabledTaskCount,
            completedTaskCount: wire.completedTaskCount, failedTaskCount: wire.failedTaskCount,
            disabledTaskCount: wire.disabledTaskCount, canceledTaskCount: wire.canceledTaskCount)
    }
}

extension SmartWallet {
    fileprivate init(owner: Address, address: String, factory: String, salt: String, isHidden: Bool) throws {
        guard let address = Address(address) else {
            throw MalformedMessage("wallet '\(address.prefix(64))' is no address")
        }
        guard let number = UInt256(decimal: salt) else {
            throw MalformedMessage("salt '\(salt.prefix(80))' of wallet \(address) is no decimal number of 256 bits")
        }
        self.init(owner: owner, address: address, factory: Address(factory), salt: number, isHidden: isHidden)
    }
}
