public import AVSPrimitives

/// A question to a contract whose answer is the number of decimals that fields of an event have (execution engine
/// 4.5.6).
public struct DecimalsCall: Hashable, Sendable {
    /// Calls of one query that are made; the rest is left out. An event has few fields, and each call is a request.
    public static let limit = 8

    /// What the contract is sent.
    public let data: [UInt8]
    private let function: ABIFunction

    /// - Parameters:
    ///   - name: of the method; `decimals` needs no ABI.
    ///   - callData: used where there are no parameters.
    ///   - parameters: as texts.
    ///   - contract: the ABI, if there is one.
    /// - Throws: ``ABIError`` for a method that the ABI lacks, and for parameters that do not fit it.
    public init(
        _ name: String, callData: String?, parameters: [String], contract: ABIContract?
    ) throws(ABIError) {
        let contract = contract ?? ABIContract()
        if parameters.isEmpty, let text = callData, !text.isEmpty {
            let standard = ABIFunction.tokenDecimals
            guard let data = Hex.decode(text),
                let function = contract.function(selector: data) ?? (data == standard.selector ? standard : nil)
            else { throw .unknownMethod(name) }
            (self.data, self.function) = (data, function)
        } else if name == "decimals", contract.functions.allSatisfy({ $0.name != "decimals" }) {
            (data, function) = (ABIFunction.tokenDecimals.selector, .tokenDecimals)
        } else {
            data = try contract.encodeCall(name, parameters: parameters)
            guard let function = contract.function(selector: data) else { throw .unknownMethod(name) }
            self.function = function
        }
    }

    /// The number of decimals that an answer says; nil unless it is a whole number from 0 to 255.
    public func decimals(in answer: [UInt8]) -> Int? {
        do throws(ABIError) {
            let output = try function.decodeOutputs(answer).first?.integer
            return output.flatMap { Int(exactly: $0) }.flatMap { (0...255).contains($0) ? $0 : nil }
        } catch {
            return nil
        }
    }
}

extension JSONValue {
    /// Formats the named fields of an event: `field` becomes the decimal text, `fieldRaw` keeps what it was, and
    /// `decimals` stands beside them. A name is `Event.field` or `field`; one that names nothing is passed over.
    public mutating func formatEventFields(_ names: [String], decimals: Int) {
        for name in names {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard let field = parts.last, parts.count <= 2, case .object(var members) = self else { continue }
            if members.format(field, decimals: decimals) {
                self = .object(members)
                continue
            }
            let events = parts.count == 2 ? [parts[0]] : Array(members.keys)
            for event in events {
                guard case .object(var arguments)? = members[event], arguments.format(field, decimals: decimals) else {
                    continue
                }
                members[event] = .object(arguments)
            }
            self = .object(members)
        }
    }
}

extension [String: JSONValue] {
    /// Whether there is such a field and it is a whole number.
    fileprivate mutating func format(_ field: String, decimals: Int) -> Bool {
        guard let raw = self["\(field)Raw"] ?? self[field], let text = TokenAmount.text(raw, decimals: decimals) else {
            return false
        }
        self["\(field)Raw"] = .string(raw.stringValue ?? raw.serialized)
        self[field] = .string(text)
        self["decimals"] = .number(Double(decimals))
        return true
    }
}
