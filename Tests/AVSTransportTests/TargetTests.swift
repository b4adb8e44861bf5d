import AVSRPC
import AVSTesting
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import AVSTransport

@Suite("Unix sockets", .timeLimit(.minutes(1)))
struct UnixSocketTests {
    private static let who = RPCMethod.unary(path("Who"), request: .bytes, response: .bytes) { _, call in
        Array("\(call.authority) \(call.peer.address)".utf8)
    }

    private func ask(_ listener: RPCServer.Listener.Address, _ target: String) async throws -> String {
        try await withServer(
            [Self.who], configure: { $0.listeners = [.init(listener), .init(.tcp(host: "127.0.0.1", port: 0))] }
        ) {
            _, server in
            #expect(try await server.boundAddresses.first == listener)
            let channel = try RPCChannel(target: target, time: SystemTime(), logger: quiet)
            let answer = try await channel.unary(path("Who"), [], request: .bytes, response: .bytes)
            await channel.close()
            return String(decoding: answer, as: UTF8.self)
        }
    }

    @Test("CON-9: in the file system; the authority is localhost")
    func inFileSystem() async throws {
        let file = try #require(TemporaryFile([]))
        let path = file.path + ".socket"
        let answer = try await ask(.unix(path: path), "unix:\(path)")
        #expect(answer.hasPrefix("localhost "))
        #expect(try await ask(.unix(path: path), "unix://\(path)").hasPrefix("localhost "))
    }

    @Test("CON-9: in the abstract namespace of Linux, by names up to their limit", arguments: [1, 20, 107])
    func abstract(length: Int) async throws {
        let unique = "\(UInt64.random(in: .min ... .max))"
        let name = String((unique + String(repeating: "x", count: 107)).prefix(length))
        let answer = try await ask(.abstract(name: name), "unix-abstract:\(name)")
        #expect(answer.hasPrefix("localhost "))
    }

    @Test("CON-9: an abstract name is its bytes and no more: other programs find it")
    func exactName() async throws {
        let name = "avs-\(UInt64.random(in: .min ... .max))"
        try await withServer([Self.who], configure: { $0.listeners.append(.init(.abstract(name: name))) }) {
            _, server in
            _ = try await server.boundPort
            let script = """
                import socket
                s = socket.socket(socket.AF_UNIX)
                s.connect("\\0\(name)")
                s.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n\\0\\0\\0\\4\\0\\0\\0\\0\\0")
                print("first frame", s.recv(9)[3])
                """
            let outcome = try await run("python3", ["-c", script])
            #expect(outcome.output == "first frame 4\n", "SETTINGS come first: \(outcome.output)")
        }
    }

    @Test("CON-9: a name that nobody listens on fails the call; a taken one, an empty one and one too long say so")
    func failures() async throws {
        let name = "avs-\(UInt64.random(in: .min ... .max))"
        let channel = try RPCChannel(target: "unix-abstract:\(name)", time: SystemTime(), logger: quiet)
        let failure = await #expect(throws: RPCStatus.self) {
            _ = try await channel.unary(path("Who"), [], request: .bytes, response: .bytes)
        }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message.contains("connect of unix-abstract:\(name)") == true, "\(failure?.message ?? "")")
        await channel.close()
        for bad in ["unix-abstract:", "unix-abstract:" + String(repeating: "x", count: 108)] {
            #expect(Target(bad) == nil)
        }
        let listening = try AbstractSocket.listening(name, backlog: 1)
        defer { close(listening) }
        #expect(throws: AbstractSocket.Failure.self) { try AbstractSocket.listening(name, backlog: 1) }
        #expect(throws: AbstractSocket.Failure.self) { try AbstractSocket.listening("", backlog: 1) }
    }
}

/// Answers what a test says, and counts the questions.
private final class ScriptedResolver: NameResolver {
    private let state: Mutex<(answer: Result<[ResolvedAddress], RPCStatus>, questions: [String])>

    init(_ answer: Result<[ResolvedAddress], RPCStatus>) { state = Mutex((answer, [])) }

    var questions: [String] { state.withLock { $0.questions } }

    func answer(_ answer: Result<[ResolvedAddress], RPCStatus>) { state.withLock { $0.answer = answer } }

    func resolve(_ host: String, port: Int) async throws -> [ResolvedAddress] {
        try state.withLock { state in
            state.questions.append("\(host):\(port)")
            return try state.answer.get()
        }
    }
}

@Suite("A channel to a name", .timeLimit(.minutes(1)))
struct NameTests {
    /// Servers that answer with their number, on ports of their own.
    private final class Servers {
        private(set) var servers: [RPCServer] = []
        private var runs: [Task<Void, any Error>] = []
        private(set) var addresses: [ResolvedAddress] = []

        func start() async throws {
            let number = UInt8(servers.count)
            var configuration = RPCServer.Configuration()
            configuration.limits.beGenerous()
            let method = RPCMethod.unary(path("Name"), request: .bytes, response: .bytes) { _, _ in [number] }
            let server = RPCServer(
                configuration: configuration, methods: [method], time: SystemTime(), logger: quiet)
            runs.append(Task { try await server.run() })
            servers.append(server)
            addresses.append(ResolvedAddress(ip: "127.0.0.1", port: try await server.boundPort))
        }

        func stop(_ index: Int) async throws {
            servers[index].beginDrain()
            try await runs[index].value
        }

        func stopAll() async throws { for index in servers.indices { try await stop(index) } }
    }

    private func name(_ channel: RPCChannel) async throws -> Int {
        let answer = try await channel.unary(
            path("Name"), [], request: .bytes, response: .bytes, options: CallOptions(waitForReady: true))
        return Int(answer.first ?? 255)
    }

    private func channel(
        _ resolver: some NameResolver, interval: Duration = .seconds(30), roundRobin: Bool = true
    ) throws -> RPCChannel {
        try RPCChannel(
            target: "dns:///service.test:7",
            configuration: .quick {
                $0.resolver = resolver
                $0.resolutionInterval = interval
                $0.loadBalancing = roundRobin ? .roundRobin : .pickFirst
            }, time: SystemTime(), logger: quiet)
    }

    @Test("CH-3, CH-4: calls go round all addresses that the name has")
    func roundRobin() async throws {
        let servers = Servers()
        for _ in 0..<3 { try await servers.start() }
        let resolver = ScriptedResolver(.success(servers.addresses + servers.addresses))
        let channel = try channel(resolver)
        #expect(await channel.connectivity == .idle)
        var seen: Set<Int> = []
        while seen.count < 3 { seen.insert(try await name(channel)) }
        var turns: [Int: Int] = [:]
        for _ in 0..<30 { turns[try await name(channel), default: 0] += 1 }
        #expect(turns == [0: 10, 1: 10, 2: 10], "each address counts once")
        #expect(resolver.questions == ["service.test:7"])
        await channel.close()
        #expect(await channel.connectivity == .shutdown)
        try await servers.stopAll()
    }

    @Test("CH-3, CH-4: when a connection is lost the name is asked again: servers come and go, and no call fails")
    func movesAlong() async throws {
        let servers = Servers()
        for _ in 0..<3 { try await servers.start() }
        let resolver = ScriptedResolver(.success(Array(servers.addresses[..<2])))
        let channel = try channel(resolver, interval: .zero)
        var seen: Set<Int> = []
        while seen.count < 2 { seen.insert(try await name(channel)) }
        resolver.answer(.success(Array(servers.addresses[1...])))
        try await servers.stop(0)
        var last: [Int] = []
        while last.count < 6 || Set(last.suffix(6)) != [1, 2] { last.append(try await name(channel)) }
        #expect(resolver.questions.count >= 2)
        await channel.close()
        try await servers.stopAll()
    }

    @Test("CH-3: open calls go on when the address of their connection is none of the name's any more")
    func retired() async throws {
        let servers = Servers()
        try await servers.start()
        let answers = AsyncStream.makeStream(of: UInt8.self)
        let slow = RPCMethod.unary(path("Slow"), request: .bytes, response: .bytes) { _, _ in
            for await answer in answers.stream { return [answer] }
            return []
        }
        let seven = RPCMethod.unary(path("Name"), request: .bytes, response: .bytes) { _, _ in [7 as UInt8] }
        try await withServer([slow, seven]) { _, server in
            let old = ResolvedAddress(ip: "127.0.0.1", port: try await server.boundPort)
            let closed = ResolvedAddress(ip: "127.0.0.1", port: 1)
            let resolver = ScriptedResolver(.success([old, closed]))
            let channel = try channel(resolver, interval: .zero)
            async let waiting = channel.unary(
                path("Slow"), [], request: .bytes, response: .bytes, options: CallOptions(waitForReady: true))
            while await server.statistics.runningHandlers == 0 { await Task.yield() }
            // The other address refuses, so the name is asked again, and again.
            resolver.answer(.success(servers.addresses + [closed]))
            while try await name(channel) != 0 {}
            answers.continuation.yield(9)
            let answer = try await waiting
            #expect(answer == [9])
            await channel.close()
        }
        try await servers.stopAll()
    }

    @Test("CH-3: a lost connection asks no more often than the interval", arguments: [true, false])
    func interval(roundRobin: Bool) async throws {
        let servers = Servers()
        for _ in 0..<2 { try await servers.start() }
        let resolver = ScriptedResolver(.success(servers.addresses))
        let channel = try channel(resolver, roundRobin: roundRobin)
        _ = try await name(channel)
        try await servers.stop(0)
        while try await name(channel) != 1 {}
        for _ in 0..<10 { #expect(try await name(channel) == 1) }
        #expect(resolver.questions.count == 1)
        await channel.close()
        try await servers.stopAll()
    }

    @Test(
        "STA-1, RT-1: a name without addresses is UNAVAILABLE, whatever the resolver says; who waits gets the first answer",
        arguments: [true, false])
    func failure(roundRobin: Bool) async throws {
        let servers = Servers()
        try await servers.start()
        for answer in [
            Result<[ResolvedAddress], RPCStatus>.success([]), .failure(RPCStatus(.notFound, "no such name")),
            .failure(RPCStatus(.invalidArgument, "bad name")),
        ] {
            let resolver = ScriptedResolver(answer)
            let channel = try channel(resolver, roundRobin: roundRobin)
            let failure = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(path("Name"), [], request: .bytes, response: .bytes)
            }
            #expect(failure?.code == .unavailable)
            if case .failure(let status) = answer { #expect(failure?.message.contains(status.message) == true) }
            async let waiting = name(channel)
            while resolver.questions.count < 3 { await Task.yield() }
            resolver.answer(.success(servers.addresses))
            #expect(try await waiting == 0)
            #expect(await channel.connectivity == .ready)
            await channel.close()
        }
        try await servers.stopAll()
    }

    @Test("CH-4: IPv6 and IPv4 alternate, beginning with what came first")
    func alternating() {
        func list(_ ips: String...) -> [ResolvedAddress] { ips.map { ResolvedAddress(ip: $0, port: 1) } }
        for (found, expected) in [
            (list(), list()), (list("1.1.1.1", "2.2.2.2"), list("1.1.1.1", "2.2.2.2")),
            (list("::1", "::2", "::3", "1.1.1.1"), list("::1", "1.1.1.1", "::2", "::3")),
            (list("1.1.1.1", "::1", "::2", "2.2.2.2"), list("1.1.1.1", "::1", "2.2.2.2", "::2")),
        ] {
            #expect(AddressSource.alternating(found) == expected)
        }
    }

    @Test("CH-3, CH-4: localhost is found, on whichever of its addresses the server listens", arguments: [true, false])
    func localhost(roundRobin: Bool) async throws {
        try await withServer([echo]) { _, server in
            let channel = try RPCChannel(
                target: "localhost:\(await server.boundPort)",
                configuration: .quick { $0.loadBalancing = roundRobin ? .roundRobin : .pickFirst }, time: SystemTime(),
                logger: quiet)
            for number in 0..<10 as Range<UInt8> {
                let answer = try await channel.unary(path("Echo"), [number], request: .bytes, response: .bytes)
                #expect(answer == [number])
            }
            await channel.close()
        }
    }

    @Test("CH-3: the system's resolver knows localhost, and no name under .invalid")
    func system() async throws {
        let found = try await SystemResolver().resolve("localhost", port: 5)
        #expect(found.contains { ["127.0.0.1", "::1"].contains($0.ip) && $0.port == 5 })
        #expect(Set(found).count == found.count)
        await #expect(throws: ResolutionFailure.self) { try await SystemResolver().resolve("a.invalid", port: 5) }
    }

    @Test("CH-3: closing ends a resolution that hangs")
    func closing() async throws {
        struct Hanging: NameResolver {
            func resolve(_ host: String, port: Int) async throws -> [ResolvedAddress] {
                try await Task.sleep(for: .seconds(3_600))
                return []
            }
        }
        for roundRobin in [true, false] {
            let channel = try channel(Hanging(), roundRobin: roundRobin)
            async let call: Void = #expect(throws: RPCStatus.self) { _ = try await name(channel) } == nil ? () : ()
            while await channel.connectivity != .connecting { await Task.yield() }
            await channel.close()
            await call
        }
    }
}
