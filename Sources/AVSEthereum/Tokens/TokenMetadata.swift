import AVSPrimitives

/// What an ERC-20 token says of itself.
public struct TokenMetadata: Hashable, Sendable {
    public var name: String
    public var symbol: String
    /// 0 to 255.
    public var decimals: Int

    /// What is shown of a token that says nothing (execution engine, 4.5.4).
    public static let unknown = TokenMetadata(name: "Unknown Token", symbol: "UNKNOWN", decimals: 18)

    public init(name: String, symbol: String, decimals: Int) {
        self.name = name
        self.symbol = symbol
        self.decimals = decimals
    }

    /// The longest name or symbol that is believed; the rest is cut off.
    public static let textLimit = 100

    /// Asks a token for its name, symbol and decimals. What it does not answer is as in ``unknown``.
    ///
    /// - Parameter ask: makes a call with this data; nil if the contract has no answer.
    /// - Returns: nil if it answers none of the three: it is no token.
    /// - Throws: what `ask` throws.
    public static func read(_ ask: (_ data: [UInt8]) async throws -> [UInt8]?) async throws -> TokenMetadata? {
        let name = try await ask(ABIFunction.tokenText("name").selector).flatMap(text)
        let symbol = try await ask(ABIFunction.tokenText("symbol").selector).flatMap(text)
        let decimals = try await ask(ABIFunction.tokenDecimals.selector).flatMap(count)
        guard name != nil || symbol != nil || decimals != nil else { return nil }
        return TokenMetadata(
            name: name ?? unknown.name, symbol: symbol ?? unknown.symbol, decimals: decimals ?? unknown.decimals)
    }

    /// The answer to `decimals()`.
    public static func count(_ answer: [UInt8]) -> Int? {
        guard answer.count == 32, let value = UInt256(bigEndian: answer)?.uint64, value <= 255 else { return nil }
        return Int(value)
    }

    /// The answer to `name()` and `symbol()`: a string, or 32 bytes padded with zeros as the oldest tokens have it.
    private static func text(_ answer: [UInt8]) -> String? {
        let bytes: [UInt8]
        if answer.count == 32 {
            bytes = Array(answer.prefix { $0 != 0 })
        } else {
            do throws(ABIError) {
                guard case .string(let text)? = try ABI.decode(answer, as: [.string]).first else { return nil }
                bytes = Array(text.utf8)
            } catch {
                return nil
            }
        }
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.filter {
            $0.properties.generalCategory != .control
        }
        let text = String(String(String.UnicodeScalarView(scalars)).prefix(textLimit))
        return text.isEmpty ? nil : text
    }
}

extension ABIFunction {
    static func tokenText(_ name: String) -> ABIFunction {
        ABIFunction(name: name, inputs: [], outputs: [ABIParameter(name: "", type: .string)], stateMutability: "view")
    }

    /// `decimals()` of ERC-20, for contracts whose ABI does not list it.
    public static let tokenDecimals = ABIFunction(
        name: "decimals", inputs: [], outputs: [ABIParameter(name: "", type: .uint(bits: 8))], stateMutability: "view")
}
