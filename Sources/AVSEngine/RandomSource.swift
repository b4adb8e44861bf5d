import Synchronization

/// The engine's one source of randomness, from which several of its parts draw.
final class RandomSource: Sendable {
    private struct State {
        var generator: any RandomNumberGenerator

        init(_ generator: sending any RandomNumberGenerator) { self.generator = generator }
    }

    private let state: Mutex<State>

    init(_ generator: sending any RandomNumberGenerator) { state = Mutex(State(generator)) }

    struct Draw: RandomNumberGenerator {
        fileprivate let source: RandomSource

        func next() -> UInt64 { source.state.withLock { $0.generator.next() } }
    }

    var generator: Draw { Draw(source: self) }
}
