import Foundation
import FuzzInputs

#if canImport(Glibc)
    import Glibc
#endif

/// Runs inputs in a process that may die of one. Before each it writes the input's number where its parent will look.
struct Worker {
    /// An input that takes longer ends the process by SIGALRM.
    static let longestInputSeconds: UInt32 = 30

    let target: any Target.Type
    let corpus: Corpus
    let seed: UInt64
    let progress: Int32

    /// - Returns: how many inputs were taken.
    func run(first: UInt64, count: UInt64, seconds: Double?) async throws -> UInt64 {
        try await run(target.init(), first: first, count: count, seconds: seconds)
    }

    private func run(
        _ target: consuming some Target, first: UInt64, count: UInt64, seconds: Double?
    ) async throws -> UInt64 {
        let end = seconds.map { ContinuousClock.now + .seconds($0) }
        var number = first
        while number < first + count {
            if number % 1_024 == 0 { alarm(Self.longestInputSeconds) }
            if let end, number % 64 == 0, ContinuousClock.now >= end { break }
            note(number)
            var (input, random) = corpus.input(number, for: target, seed: seed)
            try await target.take(input, &random)
            number += 1
        }
        return number - first
    }

    /// One input from a file, arriving in many ways.
    func run(file bytes: [UInt8]) async throws {
        var target = try target.init()
        for number in 0..<256 as Range<UInt64> {
            var random = Generator(seed: seed, number: number)
            try await target.take(bytes, &random)
        }
    }

    private func note(_ number: UInt64) {
        withUnsafeBytes(of: number) { _ = pwrite(progress, $0.baseAddress, $0.count, 0) }
    }
}
