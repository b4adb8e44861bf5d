import AVSModel
import AVSPrimitives
import Testing

@testable import AVSServer

@Suite("A sign-in message")
struct SignInMessageTests {
    private static let wallet = "0x0000000000000000000000000000000000000001"
    private static let sample = """
        Please sign the below text for ownership verification.

        URI: https://app.avaprotocol.org
        Chain ID: 11155111
        Version: 1.9.6
        Issued At: 2026-04-13T09:30:00.000Z
        Expire At: 2026-04-15T09:30:00.000Z
        Wallet: 0x0000000000000000000000000000000000000001
        """

    @Test("API-10.1.1: has the eight lines of the specification, byte for byte")
    func text() throws {
        let issued = try #require(Timestamp(iso8601: "2026-04-13T09:30:00.000Z"))
        let message = SignInMessage(
            chainID: 11_155_111, version: "1.9.6", issuedAt: issued, expireAt: issued.adding(.seconds(48 * 3_600)),
            wallet: Self.wallet)
        #expect(message.text == Self.sample)
        let (parsed, address) = try SignInMessage.parse(Self.sample, serverChainID: 11_155_111)
        #expect(parsed == message)
        #expect(address == Address(Self.wallet))
    }

    @Test("API-10.1.9: may have its lines in any order and end them with CR LF")
    func order() throws {
        let lines = Self.sample.split(separator: "\n", omittingEmptySubsequences: false).reversed()
        let (message, _) = try SignInMessage.parse(lines.joined(separator: "\r\n"), serverChainID: 11_155_111)
        #expect(message.version == "1.9.6")
    }

    @Test(
        "is refused with the text that clients know",
        arguments: [
            (
                "Chain ID: 11155111", "Chain ID: 5",
                "Invalid chainId: requested chainId 5 does not match SmartWallet chainId 11155111"
            ),
            (
                "Chain ID: 11155111", "Chain ID: 01",
                "Invalid chainId: requested chainId 01 does not match SmartWallet chainId 11155111"
            ),
            ("Chain ID: 11155111", "Chain ID: x", "Invalid Chain ID format"),
            ("Chain ID: 11155111", "Chain: 1", "Invalid message format: missing Chain ID"),
            ("Version: 1.9.6", "", "Invalid message format: missing Version"),
            ("Version: 1.9.6", "Chain ID: 1", "Invalid message format: more than one Chain ID"),
            ("Issued At: 2026", "Issued: 2026", "Invalid message format: missing Issued At"),
            ("Issued At: 2026-04-13", "Issued At: 2026-02-30", "Invalid Issued At format"),
            ("Expire At: 2026", "Expire: 2026", "Invalid message format: missing Expire At"),
            ("Expire At: 2026-04-15T09", "Expire At: 2026-04-15T24", "Invalid Expire At format"),
            ("Wallet: 0x", "Wal: 0x", "Invalid message format: missing Wallet"),
            ("Wallet: 0x00", "Wallet: 0x", "Invalid wallet address format"),
            ("0000000001", "0000000000", "Wallet address cannot be the zero address"),
            ("Version: 1.9.6", "Version: 1\u{1}", "Invalid message format: control character"),
            ("\nWallet", " Wallet", "Invalid message format"),
        ])
    func refused(part: String, replacement: String, expected: String) {
        let text = Self.sample.replacing(part, with: replacement)
        #expect(text != Self.sample)
        let error = #expect(throws: InvalidArgument.self) {
            _ = try SignInMessage.parse(text, serverChainID: 11_155_111)
        }
        #expect(error?.message == expected)
    }

    @Test("API-10.1.5: for chain 1 is accepted by a server of another chain")
    func mainnet() throws {
        let text = Self.sample.replacing("11155111", with: "1")
        #expect(try SignInMessage.parse(text, serverChainID: 11_155_111).0.chainID == 1)
    }
}
