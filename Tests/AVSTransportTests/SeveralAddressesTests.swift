import AVSPrimitives
import AVSRPC
import AVSTransport
import NIOCore
import NIOPosix
import Testing

@Suite("A channel to several addresses", .timeLimit(.minutes(1)))
struct SeveralAddressesTests {
    /// A server that answers with its name.
    private func named(_ name: String) -> RPCServer {
        var configuration = RPCServer.Configuration()
        configuration.limits.beGenerous()
        let method = RPCMethod.unary(path("Name"), request: .bytes, response: .bytes) { _, _ in Array(name.utf8) }
        return RPCServer(configuration: configuration, methods: [method], time: SystemTime(), logger: quiet)
    }

    private func name(_ channel: RPCChannel) async throws -> String {
        String(decoding: try await channel.unary(path("Name"), [], request: .bytes, response: .bytes), as: UTF8.self)
    }

    @Test("CH-4: the first that is ready serves every call; when it goes the next one does, and no call fails")
    func movesOn() async throws {
        let (first, second) = (named("first"), named("second"))
        let firstRun = Task { try await first.run() }
        let secondRun = Task { try await second.run() }
        let ports = (try await first.boundPort, try await second.boundPort)
        let channel = try RPCChannel(
            target: "ipv4:127.0.0.1:\(ports.0),127.0.0.1:\(ports.1)", time: SystemTime(), logger: quiet)
        for _ in 0..<5 { #expect(try await name(channel) == "first") }
        first.beginDrain()
        var answers: Set<String> = []
        while !answers.contains("second") { answers.insert(try await name(channel)) }
        try await firstRun.value
        #expect(try await name(channel) == "second")
        await channel.close()
        second.beginDrain()
        try await secondRun.value
    }

    @Test("CH-4: calls go round the addresses; one that goes is left out, and no call fails")
    func roundRobin() async throws {
        let servers = ["a", "b", "c"].map(named)
        let runs = servers.map { server in Task { try await server.run() } }
        var addresses: [String] = []
        for server in servers { addresses.append("127.0.0.1:\(try await server.boundPort)") }
        var configuration = RPCChannel.Configuration()
        configuration.loadBalancing = .roundRobin
        let channel = try RPCChannel(
            target: "ipv4:" + addresses.joined(separator: ","), configuration: configuration, time: SystemTime(),
            logger: quiet)
        #expect(await channel.connectivity == .idle)
        var seen: Set<String> = []
        while seen.count < 3 { seen.insert(try await name(channel)) }
        var turns: [String: Int] = [:]
        for _ in 0..<30 { turns[try await name(channel), default: 0] += 1 }
        #expect(turns == ["a": 10, "b": 10, "c": 10])
        #expect(await channel.connectivity == .ready)
        servers[1].beginDrain()
        try await runs[1].value
        var left: [String] = []
        while Set(left.suffix(6)) != ["a", "c"] || left.count < 6 { left.append(try await name(channel)) }
        await channel.close()
        #expect(await channel.connectivity == .shutdown)
        for server in servers { server.beginDrain() }
        try await runs[0].value
        try await runs[2].value
    }

    @Test("CH-4, RT-1: when every address has failed a call fails, and one that waits gets the first that comes back")
    func roundRobinFailure() async throws {
        let closed = named("closed")
        let closedRun = Task { try await closed.run() }
        let port = try await closed.boundPort
        closed.beginDrain()
        try await closedRun.value
        let channel = try RPCChannel(
            target: "ipv4:127.0.0.1:1,127.0.0.1:\(port)",
            configuration: .quick { $0.loadBalancing = .roundRobin }, time: SystemTime(), logger: quiet)
        let failure = await #expect(throws: RPCStatus.self) { _ = try await name(channel) }
        #expect(failure?.code == .unavailable)
        let waiting = Task {
            try await channel.unary(
                path("Name"), [], request: .bytes, response: .bytes, options: CallOptions(waitForReady: true))
        }
        var configuration = RPCServer.Configuration(listeners: [.init(.tcp(host: "127.0.0.1", port: port))])
        configuration.limits.beGenerous()
        let back = RPCServer(
            configuration: configuration,
            methods: [RPCMethod.unary(path("Name"), request: .bytes, response: .bytes) { _, _ in [7] as [UInt8] }],
            time: SystemTime(), logger: quiet)
        let backRun = Task { try await back.run() }
        let answer = try await waiting.value
        #expect(answer == [7])
        await channel.close()
        back.beginDrain()
        try await backRun.value
    }

    @Test("CH-4: in a random order, if wanted, channels take one or the other")
    func shuffled() async throws {
        let (first, second) = (named("first"), named("second"))
        let runs = [Task { try await first.run() }, Task { try await second.run() }]
        let ports = (try await first.boundPort, try await second.boundPort)
        var seen: Set<String> = []
        for _ in 0..<200 where seen.count < 2 {
            let channel = try RPCChannel(
                target: "ipv4:127.0.0.1:\(ports.0),127.0.0.1:\(ports.1)",
                configuration: .quick { $0.shufflesAddresses = true }, time: SystemTime(), logger: quiet)
            seen.insert(try await name(channel))
            await channel.close()
        }
        #expect(seen == ["first", "second"])
        first.beginDrain()
        second.beginDrain()
        for run in runs { try await run.value }
    }

    @Test("CH-4: an address that refuses costs nothing")
    func firstRefuses() async throws {
        let server = named("only")
        let running = Task { try await server.run() }
        let port = try await server.boundPort
        let closed = named("closed")
        let closedRun = Task { try await closed.run() }
        let closedPort = try await closed.boundPort
        closed.beginDrain()
        try await closedRun.value
        let channel = try RPCChannel(
            target: "ipv4:127.0.0.1:\(closedPort),127.0.0.1:\(port)", time: SystemTime(), logger: quiet)
        #expect(try await name(channel) == "only")
        await channel.close()
        server.beginDrain()
        try await running.value
    }

    @Test("CH-4: an address that accepts and says nothing is not waited for")
    func firstIsSilent() async throws {
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let silentPort = try #require(silent.localAddress?.port)
        let server = named("second")
        let running = Task { try await server.run() }
        let port = try await server.boundPort
        let channel = try RPCChannel(
            target: "ipv4:127.0.0.1:\(silentPort),127.0.0.1:\(port)", time: SystemTime(), logger: quiet)
        #expect(try await name(channel) == "second")
        await channel.close()
        server.beginDrain()
        try await running.value
        try await silent.close()
    }

    @Test("RT-1: when all refuse, a call fails")
    func allRefuse() async throws {
        let closed = named("closed")
        let running = Task { try await closed.run() }
        let port = try await closed.boundPort
        closed.beginDrain()
        try await running.value
        let channel = try RPCChannel(
            target: "ipv4:127.0.0.1:\(port),127.0.0.1:\(port)", time: SystemTime(), logger: quiet)
        let failure = await #expect(throws: RPCStatus.self) { _ = try await self.name(channel) }
        #expect(failure?.code == .unavailable)
        await channel.close()
    }
}
