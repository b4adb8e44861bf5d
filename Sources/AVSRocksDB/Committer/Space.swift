/// The marks of free space (FAIL-5), in bytes.
struct SpaceMarks: Hashable, Sendable {
    /// Below it, nothing new is created.
    let soft: UInt64
    /// Below it, nothing is written: before the library meets the full disk, which would abort the process.
    let hard: UInt64
    /// Above it, everything is allowed again.
    let resume: UInt64

    init(totalBytes: UInt64, _ options: RocksDBOptions) {
        let logs = 2 * options.logBytesMax + UInt64(RocksDBOptions.writeBufferCount * options.writeBufferBytes)
        let soft = options.softMark.bytes(ofTotal: totalBytes)
        hard = max(options.hardMark.bytes(ofTotal: totalBytes), logs)
        // On a small disk with large buffers the computed mark can lie above the fixed one.
        self.soft = max(soft, hard)
        resume = self.soft + self.soft / 10
    }
}

/// Watches free space and says what changes. A value: it is told the numbers.
struct SpaceMonitor: Sendable {
    enum Change: Hashable {
        case low(Bool)
        case block, mayWrite
    }

    private(set) var isLow = false
    private var lastProbe: ContinuousClock.Instant?

    /// - Parameter isBlocked: whether the store is read-only, for whatever reason.
    mutating func observe(
        _ space: FileSystemSpace, isBlocked: Bool, at now: ContinuousClock.Instant, _ options: RocksDBOptions
    ) -> [Change] {
        let marks = SpaceMarks(totalBytes: space.totalBytes, options)
        var changes: [Change] = []
        if !isLow, space.freeBytes < marks.soft {
            isLow = true
            changes.append(.low(true))
        } else if isLow, space.freeBytes >= marks.resume {
            isLow = false
            changes.append(.low(false))
        }
        if !isBlocked {
            lastProbe = nil
            if space.freeBytes < marks.hard { changes.append(.block) }
        } else if space.freeBytes >= marks.resume, isProbeDue(now, options) {
            lastProbe = now
            changes.append(.mayWrite)
        }
        return changes
    }

    private func isProbeDue(_ now: ContinuousClock.Instant, _ options: RocksDBOptions) -> Bool {
        lastProbe.map { $0.duration(to: now) >= options.probeInterval } ?? true
    }
}
