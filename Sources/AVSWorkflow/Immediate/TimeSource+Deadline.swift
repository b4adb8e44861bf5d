import AVSPrimitives

extension TimeSource {
    /// What the work comes to. At the deadline it is cancelled, and then says so itself.
    func run<Value: Sendable>(
        until deadline: ContinuousClock.Instant, _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await work() }
            group.addTask {
                do { try await sleep(until: deadline) } catch {}  // cancelled once the work has ended
                return nil
            }
            var value: Value?
            // Whichever ends first ends the other.
            while let ended = await group.next() {
                value = value ?? ended
                group.cancelAll()
            }
            return value
        }
    }
}
