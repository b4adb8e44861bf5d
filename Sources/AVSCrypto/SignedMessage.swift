public import AVSPrimitives

/// The EIP-191 "personal message": text that a wallet signs, marked so that it can never be a transaction.
public enum SignedMessage {
    /// What is signed for `text`, its bytes exactly as received (SIG-1):
    ///
    ///     keccak256( 0x19 | "Ethereum Signed Message:" | LF | number of bytes, decimal | text )
    public static func digest(of text: [UInt8]) -> Hash32 {
        Keccak256.hash([0x19] + Array("Ethereum Signed Message:\n\(text.count)".utf8) + text)
    }
}
