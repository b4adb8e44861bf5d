import AVSCrypto
import AVSPrimitives
import AVSSchema
import AVSStorage
import Synchronization

/// Counts from 0.
final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            defer { count += 1 }
            return count
        }
    }
}

func digest(_ bytes: [UInt8]) -> String { SHA256.hash(bytes).hex }
