import AVSEthereum
import AVSPrimitives

/// What a bundler's or a chain's refusal means to people, and what can be done about it.
///
/// - Source: execution-engine 5.3.5 and 7.8.
struct BundlerError: Hashable, Sendable {
    let error: ChainError

    init(_ error: ChainError) { self.error = error }

    private var text: String { error.description }

    /// The bundler has said no; anything else leaves open whether it has the operation.
    var isRefusal: Bool { if case .rpc = error { true } else { false } }

    /// Another operation has the nonce, or one before it is missing.
    var isNonceConflict: Bool { text.contains("AA25 ") || text.contains("invalid account nonce") }

    /// The form of the operation is refused: without a paymaster it may be accepted.
    var refusesForm: Bool {
        if case .rpc(let object) = error, object.code == -32_602 { return true }
        return text.lowercased().contains("invalid useroperation")
    }

    /// The bundler does not have the method.
    var lacksMethod: Bool {
        if case .rpc(let object) = error, object.code == -32_601 { return true }
        if case .malformedAnswer = error { return true }
        return text.contains("Method not found")
    }

    /// At most one line and 200 characters.
    var explanation: String {
        switch error {
        case .unavailable, .timeout, .rateLimited: return "bundler service unavailable: \(Self.firstLine(text))"
        default: break
        }
        if text.contains("AA21") { return "the wallet has not enough ETH to pay for gas (AA21)" }
        if let code = accountAbstractionCode { return "the bundler refused the user operation: \(code)" }
        if text.contains("wallet not deployed") { return "smart wallet not deployed" }
        return Self.firstLine(text)
    }

    /// `AA23 reverted (or OOG)`: the code and what follows it, shortened.
    private var accountAbstractionCode: String? {
        let bytes = Array(text.utf8)
        let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
        for index in bytes.indices.dropLast(3)
        where bytes[index] == 0x41 && bytes[index + 1] == 0x41 && isDigit(bytes[index + 2]) && isDigit(bytes[index + 3])
        {
            return String(Self.firstLine(String(decoding: bytes[index...], as: UTF8.self)).prefix(120))
        }
        return nil
    }

    static func firstLine(_ text: String) -> String {
        String((text.split(whereSeparator: \.isNewline).first ?? "").prefix(200))
    }
}
