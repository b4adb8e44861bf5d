import AVSEthereum
import AVSPrimitives

/// Limits of a user operation where nobody says what it needs.
///
/// - Source: execution-engine 7.5.
enum OperationGas {
    static let preVerification: UInt256 = UInt256(UInt64(50_000))
    /// Verification that makes the wallet too; an estimate does not replace it.
    static let deployment: UInt256 = UInt256(UInt64(3_000_000))
    /// With a paymaster, where the bundler does not say.
    static let unestimated = UserOperationGas(
        callGasLimit: UInt256(1_000_000), verificationGasLimit: UInt256(1_000_000), preVerificationGas: preVerification)
    /// Where the wallet pays: what the bundler is asked with, and what is taken where it does not say.
    static let firstGuess = UserOperationGas(
        callGasLimit: UInt256(21_000), verificationGasLimit: UInt256(100_000), preVerificationGas: preVerification)
    static let selfFunded = UserOperationGas(
        callGasLimit: UInt256(100_000), verificationGasLimit: UInt256(1_000_000), preVerificationGas: preVerification)
}
