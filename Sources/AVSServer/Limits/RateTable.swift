import AVSModel
import Synchronization

/// Token buckets by key, in bounded memory.
///
/// A bucket is one instant: when it will be full again. That is exact, where a number of tokens would be a fraction.
///
/// Two generations: a key that is used moves into the young one, and when that is full it becomes the old one and what
/// was old is forgotten. So a look-up costs the same however many keys there are, and what is forgotten is what was not
/// used for longest; a forgotten bucket starts full, which only a flood of other keys can bring about.
final class RateTable<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var young: [Key: ContinuousClock.Instant] = [:]
        var old: [Key: ContinuousClock.Instant] = [:]
    }

    /// Of keys that have none of their own; `nil` lets them pass.
    let rate: CallRate?
    private let generationLimit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - rate: `nil` lets everything pass.
    ///   - keyLimit: buckets remembered; about 100 bytes each, so 10 MB for the default.
    init(_ rate: CallRate?, keyLimit: Int = 100_000) {
        self.rate = rate
        generationLimit = max(1, keyLimit / 2)
    }

    /// How many buckets there are.
    var count: Int { state.withLock { $0.young.count + $0.old.count } }

    /// Takes one token of `key`.
    /// - Parameter own: the key's own rate, in place of the table's. It may change from call to call: a bucket is never
    ///   emptier than empty.
    /// - Returns: `nil` when there was one, else how long until there is.
    func take(_ key: Key, at now: ContinuousClock.Instant, own: CallRate? = nil) -> Duration? {
        guard let rate = own ?? rate else { return nil }
        let one = Duration.seconds(1) / rate.perSecond
        let rest = one * (rate.burst - 1)  // how long a full bucket without its last token takes
        return state.withLock { state in
            let known = state.young[key] ?? state.old.removeValue(forKey: key) ?? now
            var fullAt = min(max(known, now), now + rest + one)
            let missing = fullAt - now
            let isAllowed = missing <= rest
            if isAllowed { fullAt += one }
            if state.young[key] == nil, state.young.count >= generationLimit {
                (state.old, state.young) = (state.young, [:])
            }
            state.young[key] = fullAt
            return isAllowed ? nil : missing - rest
        }
    }
}
