import AVSModel
import AVSPrimitives

/// The eight lines that a wallet signs to sign in.
///
/// - Source: aggregator-api 3.1, reliability-security SIG-5.
struct SignInMessage: Sendable, Hashable {
    static let sizeLimitBytes = 4_096
    private static let lineCount = 8

    var chainID: UInt64
    var version: String
    var issuedAt: Timestamp
    var expireAt: Timestamp
    /// As the client sent it: its case is kept.
    var wallet: String

    /// The text to sign, without a newline at its end.
    var text: String {
        """
        Please sign the below text for ownership verification.

        URI: https://app.avaprotocol.org
        Chain ID: \(chainID)
        Version: \(version)
        Issued At: \(issuedAt.iso8601)
        Expire At: \(expireAt.iso8601)
        Wallet: \(wallet)
        """
    }

    // MARK: Parsing

    /// What a signed text says. Lines may come in any order; others are ignored; a second line of one kind is refused.
    ///
    /// - Throws: ``InvalidArgument`` with the texts of aggregator-api 2.6, in its order of checks.
    static func parse(_ text: String, serverChainID: UInt64) throws(InvalidArgument) -> (SignInMessage, Address) {
        guard text.utf8.count <= sizeLimitBytes else {
            throw InvalidArgument(.invalidRequest, "Invalid message format: longer than \(sizeLimitBytes) bytes")
        }
        let fields = try Fields(text)
        let chainText = try fields.value(of: .chainID)
        guard isDecimal(chainText) else { throw InvalidArgument(.invalidRequest, "Invalid Chain ID format") }
        guard let chainID = UInt64(chainText), "\(chainID)" == chainText, chainID == serverChainID || chainID == 1
        else {
            throw InvalidArgument(
                .invalidRequest,
                "Invalid chainId: requested chainId \(chainText.prefix(64)) does not match SmartWallet chainId \(serverChainID)"
            )
        }
        let version = try fields.value(of: .version)
        let issuedAt = try fields.instant(of: .issuedAt)
        let expireAt = try fields.instant(of: .expireAt)
        let wallet = try fields.value(of: .wallet)
        guard let address = Address(wallet) else {
            throw InvalidArgument(.invalidAddress, "Invalid wallet address format")
        }
        guard !address.isZero else {
            throw InvalidArgument(.invalidAddress, "Wallet address cannot be the zero address")
        }
        let message = SignInMessage(
            chainID: chainID, version: version, issuedAt: issuedAt, expireAt: expireAt, wallet: wallet)
        return (message, address)
    }

    private static func isDecimal(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private enum Field: String, CaseIterable {
        case chainID = "Chain ID"
        case version = "Version"
        case issuedAt = "Issued At"
        case expireAt = "Expire At"
        case wallet = "Wallet"
    }

    /// The lines that mean something, by what they mean.
    private struct Fields {
        private var values: [Field: String] = [:]

        init(_ text: String) throws(InvalidArgument) {
            // By bytes: a carriage return and a line feed are one Character (INP-2).
            let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            guard lines.count >= SignInMessage.lineCount else {
                throw InvalidArgument(.invalidRequest, "Invalid message format")
            }
            for line in lines { try add(Array(line)) }
        }

        private mutating func add(_ raw: [UInt8]) throws(InvalidArgument) {
            let line = raw.trimmed
            guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
                throw InvalidArgument(.invalidRequest, "Invalid message format: control character")
            }
            for field in Field.allCases {
                let prefix = Array("\(field.rawValue):".utf8)
                guard line.starts(with: prefix) else { continue }
                guard values[field] == nil else {
                    throw InvalidArgument(.invalidRequest, "Invalid message format: more than one \(field.rawValue)")
                }
                values[field] = String(decoding: line.dropFirst(prefix.count).trimmed, as: UTF8.self)
            }
        }

        func value(of field: Field) throws(InvalidArgument) -> String {
            guard let value = values[field] else {
                throw InvalidArgument(.missingRequiredField, "Invalid message format: missing \(field.rawValue)")
            }
            return value
        }

        func instant(of field: Field) throws(InvalidArgument) -> Timestamp {
            guard let instant = Timestamp(iso8601: try value(of: field)) else {
                throw InvalidArgument(.invalidRequest, "Invalid \(field.rawValue) format")
            }
            return instant
        }
    }
}

extension Collection<UInt8> {
    /// Without spaces, tabs and carriage returns at both ends.
    fileprivate var trimmed: [UInt8] {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
        var rest = Array(drop(while: isBlank))
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }
}
