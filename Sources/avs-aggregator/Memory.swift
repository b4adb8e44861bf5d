import AVSConfiguration
import CProcess
import Foundation
import Glibc

/// How much memory the process may get, as the system says.
struct MemoryFacts: Hashable {
    /// Nil if nothing says so.
    var limitBytes: Int?

    /// - Parameter read: the text of a file; nil if there is none.
    init(reading read: (String) -> String?) {
        var limits: [Int] = []
        if let kilobytes = read("/proc/meminfo").flatMap({ Self.number(after: "MemTotal:", in: $0) }) {
            limits.append(kilobytes.multipliedReportingOverflow(by: 1_024).partialValue)
        }
        // `0::/path` is version 2, `4:memory:/path` version 1. A limit counts for all below it, and a container may
        // show its own group as the root.
        for line in (read("/proc/self/cgroup") ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3 else { continue }
            let (root, file) =
                parts[0] == "0" ? ("/sys/fs/cgroup", "memory.max") : ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            guard parts[0] == "0" || parts[1].split(separator: ",").contains("memory") else { continue }
            var path = parts[2].split(separator: "/").map(String.init)
            while true {
                let folder = ([root] + path).joined(separator: "/")
                let text = read("\(folder)/\(file)")?.trimmingCharacters(in: .whitespacesAndNewlines)
                if let bytes = text.flatMap({ Int($0) }) { limits.append(bytes) }  // "max" is none
                guard path.popLast() != nil else { break }
            }
        }
        limitBytes = limits.filter { $0 > 0 }.min()
    }

    static func taken() -> MemoryFacts {
        MemoryFacts { path in
            FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// What a budget comes to; nil if it is a part of something that nobody tells.
    func bytes(of budget: MemoryBudget) -> Int? {
        switch budget {
        case .bytes(let bytes): bytes
        case .percent(let share): limitBytes.map { $0 / 100 * share }
        }
    }

    /// What this process has resident; nil if the system does not tell.
    static var residentBytes: Int? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm") else { return nil }
        let fields = String(decoding: data, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages.multipliedReportingOverflow(by: max(1, Int(sysconf(Int32(_SC_PAGESIZE))))).partialValue
    }

    /// What is free in this process and still resident goes back to the system.
    static func returnFreePages() { CProcess_returnFreeMemory() }

    private static func number(after name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            return Int(line.dropFirst(name.count).split(separator: " ").first ?? "")
        }
        return nil
    }
}

extension AggregatorConfiguration {
    /// What all connections may have buffered (4.5).
    static let messageBufferBytes = 256 << 20
    /// Of one connection: the library's, and ours.
    private static let connectionBytes = (17 + 30) << 10

    /// What the parts come to that have a size of their own, if that is more than the budget; nil if it is not.
    func memoryWarning(budget: Int) -> String? {
        let parts = [
            ("store.block_cache", store.blockCacheBytes), ("three of store.write_buffer", 3 * store.writeBufferBytes),
            ("limits.connections", limits.connections * Self.connectionBytes),
            ("message buffers", Self.messageBufferBytes),
        ]
        let sum = parts.map(\.1).reduce(0, +)
        guard sum > budget else { return nil }
        let list = parts.map { "\($0.0) \($0.1 >> 20)" }.joined(separator: ", ")
        return "memory.budget is \(budget >> 20) MiB, and its parts may come to \(sum >> 20) MiB: \(list)"
    }
}
