/// How much of a file system should stay free: the larger of a share and an amount, written `5%, 2GiB`.
public struct FreeSpaceMark: Hashable, Sendable, CustomStringConvertible {
    /// 0 to 50.
    public var percent: Int
    public var bytes: Int

    public init(percent: Int, bytes: Int) {
        self.percent = percent
        self.bytes = bytes
    }

    /// Of a file system with `total` bytes.
    public func bytes(ofTotal total: UInt64) -> UInt64 {
        max(total / 100 * UInt64(max(0, percent)), UInt64(max(0, bytes)))
    }

    public var description: String { "\(percent)%, \(ByteCount.text(bytes))" }

    init?(_ text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            String(part.drop { $0 == " " })
        }
        guard parts.count == 2, parts[0].hasSuffix("%"), let bytes = ByteCount.parse(parts[1]),
            let percent = Digits.integer(String(parts[0].dropLast()), as: Int.self), (0...50).contains(percent)
        else { return nil }
        self.init(percent: percent, bytes: bytes)
    }
}

/// How much memory the process may use: `70%` of what it could get, or an amount such as `2GiB` (OVL-9).
public enum MemoryBudget: Hashable, Sendable, CustomStringConvertible {
    /// 10 to 95 percent of the limit of its cgroup, or of the machine's memory where it has none.
    case percent(Int)
    /// At least 256 MiB.
    case bytes(Int)

    public var description: String {
        switch self {
        case .percent(let share): "\(share)%"
        case .bytes(let count): ByteCount.text(count)
        }
    }

    init?(_ text: String) {
        if text.hasSuffix("%") {
            guard let share = Digits.integer(String(text.dropLast()), as: Int.self), (10...95).contains(share) else {
                return nil
            }
            self = .percent(share)
        } else {
            guard let count = ByteCount.parse(text), count >= 256 << 20 else { return nil }
            self = .bytes(count)
        }
    }
}

extension ScalarFormat where Value == FreeSpaceMark {
    static var freeSpace: ScalarFormat {
        ScalarFormat("a percentage from 0 to 50 and a number of bytes, as in 5%, 2GiB", text: \.description) {
            FreeSpaceMark($0)
        }
    }
}

extension ScalarFormat where Value == MemoryBudget {
    static var memory: ScalarFormat {
        ScalarFormat("a percentage from 10% to 95% or at least 256MiB, as in 70% or 2GiB", text: \.description) {
            MemoryBudget($0)
        }
    }
}
