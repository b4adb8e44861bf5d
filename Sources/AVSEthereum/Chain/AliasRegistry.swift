public import AVSPrimitives

/// The contract in which operators declare the key that signs for them: `APConfig`.
///
/// An operator's own key can then stay away from the machine that watches: the alias signs, and the operator is meant.
///
/// - Source: aggregator-api 3.5.
public struct AliasRegistry: Sendable {
    public let chain: any ChainClient
    private let address: Address?

    /// - Parameter address: where the contract is; nil takes the public one of the chain.
    public init(chain: any ChainClient, address: Address? = nil) {
        self.chain = chain
        self.address = address
    }

    /// The public contract of a chain.
    public static func publicAddress(chainID: UInt64) -> Address { chainID == 1 ? onMainnet : elsewhere }

    private static let onMainnet = Address("0x9c02dfc92eea988902a98919bf4f035e4aaefced") ?? .zero
    private static let elsewhere = Address("0xb8abbb082ecaae8d1cd68378cf3b060f6f0e07eb") ?? .zero

    /// Where the contract is; asks the chain which one it is if nobody said.
    public func location() async throws(ChainError) -> Address {
        if let address { return address }
        return Self.publicAddress(chainID: try await chain.reportedChainID())
    }

    /// The alias that an operator declared; nil if it declared none.
    public func alias(of node: Address) async throws(ChainError) -> Address? {
        try await ask(Self.getAlias, node, "getAlias")
    }

    /// The operator that declared this alias; nil if none did.
    public func node(ofAlias alias: Address) async throws(ChainError) -> Address? {
        try await ask(Self.getOperatorForAlias, alias, "getOperatorForAlias")
    }

    private func ask(_ selector: [UInt8], _ argument: Address, _ name: String) async throws(ChainError) -> Address? {
        let answer = try await chain.call(to: try await location(), data: selector + Self.word(argument))
        guard answer.count == 32, answer.prefix(12).allSatisfy({ $0 == 0 }),
            let found = Address(bytes: answer.suffix(20))
        else {
            // An address without code answers with nothing.
            throw .malformedAnswer(method: name, reason: "\(answer.count) bytes that are no address")
        }
        return found.isZero ? nil : found
    }

    // MARK: Calls that change the registry

    /// The call by which an operator, signing with its own key, declares its alias.
    public static func declaration(of alias: Address) -> [UInt8] { declareAlias + word(alias) }

    /// The call by which an alias, signing with its own key, is an alias no longer.
    public static var removal: [UInt8] { undeclare }

    private static func word(_ address: Address) -> [UInt8] { [UInt8](repeating: 0, count: 12) + address.bytes }

    private static let getAlias: [UInt8] = [0x99, 0x90, 0x0d, 0x11]
    private static let getOperatorForAlias: [UInt8] = [0x81, 0x39, 0xd0, 0x5b]
    private static let declareAlias: [UInt8] = [0xf4, 0x05, 0x56, 0x6d]
    private static let undeclare: [UInt8] = [0x2c, 0x46, 0xb3, 0xe1]
}
