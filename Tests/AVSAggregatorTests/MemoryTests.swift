import AVSConfiguration
import Testing

@testable import avs_aggregator

@Suite("How much memory the process may have")
struct MemoryTests {
    private func facts(_ files: [String: String]) -> MemoryFacts { MemoryFacts { files[$0] } }

    private static let machine = "MemTotal:       24683520 kB\nMemFree:        1 kB\n"

    @Test("OVL-9: is the machine's where no cgroup says less")
    func machine() {
        #expect(facts(["/proc/meminfo": Self.machine]).limitBytes == 24_683_520 * 1_024)
        let unlimited = [
            "/proc/meminfo": Self.machine, "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n",
        ]
        #expect(facts(unlimited).limitBytes == 24_683_520 * 1_024)
        #expect(facts([:]).limitBytes == nil)
        #expect(facts(["/proc/meminfo": "MemTotal: none\n", "/proc/self/cgroup": "0\n:::\nx:y:z"]).limitBytes == nil)
    }

    @Test("OVL-9: is that of the narrowest cgroup above it, in both versions, also inside a container",
        arguments: [
            [
                "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "4096",
                "/sys/fs/cgroup/a/memory.max": "max",
            ],
            [
                "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "9000",
                "/sys/fs/cgroup/a/memory.max": "4096",
            ],
            ["/proc/self/cgroup": "0::/hidden\n", "/sys/fs/cgroup/memory.max": "4096\n"],
            [
                "/proc/self/cgroup": "9:cpu:/a\n4:cpuset,memory:/a\n0::/\n",
                "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4096\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            ],
        ])
    func groups(files: [String: String]) {
        #expect(facts(files.merging(["/proc/meminfo": Self.machine]) { $1 }).limitBytes == 4_096)
    }

    @Test("OVL-9: a budget is a part of it, or an amount")
    func budget() {
        let facts = facts(["/proc/meminfo": "MemTotal: 1000 kB\n"])
        #expect(facts.bytes(of: .percent(70)) == 716_800)
        #expect(facts.bytes(of: .bytes(300 << 20)) == 300 << 20)
        #expect(self.facts([:]).bytes(of: .percent(70)) == nil)
        #expect(MemoryFacts.residentBytes.map { $0 > 1 << 20 } == true)
        #expect(MemoryFacts.taken().limitBytes.map { $0 > 1 << 20 } == true)
    }

    @Test("OVL-9: the sum of its parts is compared with it at the start")
    func parts() throws {
        let text = """
            db_path: data/db
            jwt_secret: 0123456789abcdef0123456789abcdef
            chains: [{id: 1, rpc_urls: ["http://a"]}]
            limits: {connections: 1024}
            """
        let configuration = try AggregatorConfiguration.read(
            Array(text.utf8), file: "c.yaml", facts: ProcessFacts(temporaryDirectory: "scratch", userID: 1_000)
        ).value
        // 256 of cache, three times 64 of write buffers, 1,024 connections of 47 KiB, 256 of messages.
        let sum = (256 + 192 + 47 + 256) << 20
        #expect(configuration.memoryWarning(budget: sum) == nil)
        let warning = try #require(configuration.memoryWarning(budget: sum - 1))
        #expect(warning.contains("750 MiB") && warning.contains("751 MiB") && warning.contains("limits.connections 47"))
    }
}
