import AVSEthereum
public import AVSPrimitives
public import BigInt

/// What a transfer that nobody made would have done to one balance.
public struct TokenBalanceChange: Hashable, Sendable {
    public var token: Address
    public var holder: Address
    /// In the token's smallest unit; negative for what is spent.
    public var amount: BigInt

    public init(token: Address, holder: Address, amount: BigInt) {
        self.token = token
        self.holder = holder
        self.amount = amount
    }
}

/// A word of a token's storage as simulations are to see it, so that they can spend what a simulated transfer brought.
///
/// - Source: execution-engine.md 4.5.4, *Side effect in SimulateTask*.
struct ChangedBalance: Hashable, Sendable {
    private let slot: Hash32
    private let word: Hash32

    /// - Throws: ``ChainError`` where the chain does not say what the balance is.
    init(_ change: TokenBalanceChange, on chain: any ChainClient) async throws(ChainError) {
        slot = try await Self.slot(of: change.holder, in: change.token, on: chain)
        let balance = BigInt(try await chain.storage(of: change.token, at: slot).number.magnitude)
        let after = UInt256(max(0, balance + change.amount).magnitude) ?? .max
        word = Hash32(bytes: after.bigEndian) ?? .zero
    }

    /// The token's entry in the state overrides of `eth_call` and `eth_simulateV1`.
    var stateOverride: JSONValue { Self.stateOverride(slot, word) }

    private static func stateOverride(_ slot: Hash32, _ word: Hash32) -> JSONValue {
        ["stateDiff": .object([slot.hex: .string(word.hex)])]
    }

    // MARK: Where balances stand

    /// Positions of the mapping in well-known tokens; the one that is taken where none fits.
    private static let positions: [UInt64] = [0, 1, 2, 3, 9, 51]
    private static let standardPosition: UInt64 = 9
    /// No token has such a balance by itself. Below 2¹²⁸: some tokens keep flags in the upper bits.
    private static let mark = Hash32(bytes: [UInt8](repeating: 0, count: 16) + Array(1...16)) ?? .zero

    /// The slot of a balance: the one that, overwritten, changes what the token says of it.
    private static func slot(
        of holder: Address, in token: Address, on chain: any ChainClient
    ) async throws(ChainError) -> Hash32 {
        for layout in [TokenAmount.MappingLayout.solidity, .vyper] {
            for position in positions {
                let slot = TokenAmount.mappingSlot(of: holder, at: position, layout)
                if try await balance(of: holder, in: token, marking: slot, on: chain) == mark.bytes { return slot }
            }
        }
        return TokenAmount.mappingSlot(of: holder, at: standardPosition)
    }

    /// The token's own word; nil where it refuses, or the node knows no overrides.
    private static func balance(
        of holder: Address, in token: Address, marking slot: Hash32, on chain: any ChainClient
    ) async throws(ChainError) -> [UInt8]? {
        let call = CallRequest(to: token, data: TokenAmount.balanceCall(of: holder))
        do throws(ChainError) {
            let overrides: JSONValue = .object([token.lowercased: stateOverride(slot, mark)])
            return try await chain.request("eth_call", [call.json, "latest", overrides]).data
        } catch .rpc {
            return nil
        }
    }
}
