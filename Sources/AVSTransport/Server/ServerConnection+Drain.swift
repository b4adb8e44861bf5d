import AVSHTTP2
import AVSPrimitives
import Logging

extension ServerConnection {
    /// First phase: new calls are welcome until the peer has seen that it should stop (DR-1).
    func beginDrain(_ reason: String) {
        guard case .no = drain, let handler, handler.isActive else { return }
        drain = .announced
        do throws(HTTP2Error) {
            try handler.session.announceShutdown(ping: PingNumber.drain)
        } catch {
            return close("\(error)")
        }
        logger.debug("draining", metadata: ["reason": "\(reason)"])
        drainReason = reason
        handler.timers.set(.drainPing, service.time.monotonic + limits.drainPingTimeout)
        handler.arm()
        handler.scheduleFlush()
    }

    /// Second phase: names the last call; the handler closes when that has ended (DR-4).
    func finishDrain() {
        guard case .announced = drain, let handler else { return }
        drain = .final
        handler.timers.set(.drainPing, nil)
        loop.counters.count(drainReason, in: \.goAwaysSent)
        do throws(HTTP2Error) {
            try handler.session.goAway(.noError, reason: drainReason)
        } catch {
            close("\(error)")
        }
        handler.scheduleFlush()
    }

    /// Ends the connection now; handlers are cancelled.
    func close(_ reason: String) { handler?.terminate(.noError, reason, .closed(reason)) }
}
