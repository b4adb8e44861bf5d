import AVSPrimitives
import AVSRPC

/// Lets holders of the right API keys through to `aggregator.Admin`, before a byte of the message is decoded (T03).
struct AdminAuthenticator: ServerInterceptor {
    let authority: TokenAuthority
    /// Paths that everybody on this machine may call: health and reflection.
    let anonymous: Set<String>
    /// Counts the calls of those who prove nothing.
    let gate: CallGate
    let time: any TimeSource

    func admit(_ call: inout CallContext) async throws {
        guard !anonymous.contains(call.method.text) else { return }
        do throws(RPCStatus) {
            call[AdminCaller.self] = try authority.administrator(
                call.metadata["authkey"], needs: CallScope.needed(by: call.method), origin: call.peer.address,
                now: time.now)
        } catch {
            try gate.admitStranger(call)
            throw error
        }
    }
}
