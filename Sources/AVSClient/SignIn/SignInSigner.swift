public import AVSCrypto
public import AVSPrimitives

/// Whoever can sign in as an account: a key in memory, a hardware wallet, a remote signer.
public protocol SignInSigner: Sendable {
    /// The externally owned account that signs in.
    var address: Address { get }

    /// Signs a text as wallets do (EIP-191).
    ///
    /// Called with nothing but a sign-in for ``address``. It takes the time it needs: a person may have to press a
    /// button.
    func signMessage(_ text: [UInt8]) async throws -> Signature
}

extension SigningKey: SignInSigner {}
