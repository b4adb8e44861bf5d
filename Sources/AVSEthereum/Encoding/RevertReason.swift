import AVSPrimitives

/// Why a call was reverted, from the bytes that it returned.
public enum RevertReason {
    /// The text of `Error(string)`, the code of `Panic(uint256)`, a custom error of `contract` with its values, or nil
    /// for bytes that are none of these.
    public static func text(of data: [UInt8], contract: ABIContract? = nil) -> String? {
        let body = Array(data.dropFirst(4))
        switch Array(data.prefix(4)) {
        case [0x08, 0xc3, 0x79, 0xa0]:
            guard case .string(let text)? = values(body, [.string])?.first else { return nil }
            return text
        case [0x4e, 0x48, 0x7b, 0x71]:
            guard case .uint(let code)? = values(body, [.uint(bits: 256)])?.first else { return nil }
            return "panic: \(meaning(code)) (\(code.hexQuantity))"
        case let selector:
            guard let error = contract?.errors.first(where: { $0.selector == selector }),
                let values = values(body, error.inputs.map(\.type))
            else { return nil }
            let texts = zip(values, error.inputs).map { value, input in
                let json = value.outputJSON(input.type)
                return json.stringValue ?? json.serialized
            }
            return "\(error.name)(\(texts.joined(separator: ", ")))"
        }
    }

    private static func values(_ data: [UInt8], _ types: [ABIType]) -> [ABIValue]? {
        do { return try ABI.decode(data, as: types) } catch { return nil }
    }

    /// The codes of the Solidity documentation, *Panic via assert and Error via require*.
    private static func meaning(_ code: UInt256) -> String {
        switch code.uint64 {
        case 0x01: "assertion failed"
        case 0x11: "arithmetic overflow"
        case 0x12: "division by zero"
        case 0x21: "invalid enum value"
        case 0x22: "invalid storage byte array"
        case 0x31: "pop of an empty array"
        case 0x32: "index out of bounds"
        case 0x41: "too much memory allocated"
        case 0x51: "call of an uninitialised function"
        default: "unknown code"
        }
    }
}
