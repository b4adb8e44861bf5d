import AVSHTTP2
import AVSPrimitives
import NIOCore

extension HTTP2Handler {
    /// Adds a call's deadline.
    func setDeadline(_ stream: StreamID, _ instant: ContinuousClock.Instant) {
        timers.add(stream, at: instant, isOpen: delegate.isOpen)
        arm()
    }

    /// Keeps one timer of the loop set to the next thing due. A timer that fires early arms itself again.
    func arm() {
        guard phase != .closed, let next = timers.next, let context else { return }
        if let armed, armed.instant <= next { return }
        armed?.timer.cancel()
        let delay = max(.zero, time.monotonic.duration(to: next))
        let (seconds, attoseconds) = min(delay, .seconds(365 * 24 * 3_600)).components
        let amount = TimeAmount.nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000 + 1)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        armed = (context.eventLoop.scheduleTask(in: amount) { bound.value.fire() }, next)
    }

    /// The loop would keep the connection, and all it holds, until the timer fires.
    func disarm() {
        armed?.timer.cancel()
        armed = nil
    }

    private func fire() {
        armed = nil
        let now = time.monotonic
        while phase != .closed, let expiry = timers.expire(at: now) {
            switch expiry {
            case .deadline(let stream): if isActive { delegate.deadlinePassed(stream) }
            case .duty(let duty): perform(duty, at: now)
            }
        }
        arm()
        scheduleFlush()
    }

    private func perform(_ duty: ConnectionTimers.Duty, at now: ContinuousClock.Instant) {
        switch duty {
        case .preface where role == .server:
            terminate(.protocolError, "preface_timeout", .refused("no HTTP/2 preface in time"))
        case .settingsAcknowledgement:
            terminate(.settingsTimeout, "settings_timeout", .refused("our SETTINGS were not acknowledged in time"))
        case .headers where session.incompleteHeaders != nil:  // else it was malformed, and its stream is gone
            terminate(.enhanceYourCalm, "headers_timeout", .refused("a header section did not end in time"))
        case .keepalive: keepalive(at: now)
        case .keepaliveAnswer:
            if let sent = keepaliveSent, lastReceived < sent { close(.lost("keepalive: nothing came back in time")) }
        case .stalledSocket:
            finish(.lost("the peer read nothing for \(limits.stallTimeout)"))
            context?.close(promise: nil)
        case .linger:
            context?.close(promise: nil)
        case .preface, .headers, .drainPing, .stalledStreams, .idle, .age, .ageGrace, .connect, .budget:
            delegate.handle(duty)
        }
    }

    /// Any received byte counts as life, not only the answer (KA-3).
    private func keepalive(at now: ContinuousClock.Instant) {
        guard let keepaliveTime = limits.keepaliveTime else { return }
        let due = lastReceived + keepaliveTime
        guard due <= now else { return timers.set(.keepalive, due) }
        timers.set(.keepalive, now + max(keepaliveTime, limits.keepaliveTimeout))
        if role == .client, delegate.callCount == 0 { return }  // not without calls (KA-5)
        do throws(HTTP2Error) {
            try session.ping(PingNumber.keepalive)
            keepaliveSent = now
            timers.set(.keepaliveAnswer, now + limits.keepaliveTimeout)
        } catch {
            close(.lost("\(error)"))
        }
    }

    /// Before a call on a connection that has been silent for longer than the keepalive time (KA-5).
    func pingIfQuiet() {
        guard let keepaliveTime = limits.keepaliveTime, isActive else { return }
        let now = time.monotonic
        if lastReceived + keepaliveTime <= now, timers[.keepaliveAnswer] == nil {
            timers.set(.keepalive, now)
            keepalive(at: now)
            arm()
        }
    }
}
