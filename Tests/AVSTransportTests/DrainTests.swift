import AVSPrimitives
import AVSRPC
import ServiceLifecycle
import Synchronization
import Testing

@testable import AVSTransport

@Suite("A server's end", .timeLimit(.minutes(1)))
struct DrainTests {
    @Test("DR-1, DR-2: open calls finish, new ones find no listener, run() returns")
    func openCalls() async throws {
        let (started, goOn) = (Slot<Void>(), Slot<Void>())
        let slow = RPCMethod.unary(path("Slow"), request: .bytes, response: .bytes) { request, _ in
            started.put(())
            await goOn.take()
            return request
        }
        try await withServer([slow]) { channel, server in
            let call = Task { try await channel.unary(path("Slow"), [1], request: .bytes, response: .bytes) }
            await started.take()
            let port = try await server.boundPort
            let drained = Slot<Void>()
            server.onDrainBegin { drained.put(()) }
            server.beginDrain()
            await drained.take()
            goOn.put(())
            #expect(try await call.value == [1])
            await #expect(throws: (any Error).self) { _ = try await RawConnection.open(port: port) }
        }
    }

    @Test("DR-2: handlers that hang are cancelled when the time for the drain is over")
    func hangingHandler() async throws {
        let (started, cancelled) = (Slot<Void>(), Slot<Void>())
        try await withServer([hanging(started, cancelled)], configure: { $0.drainTimeout = .milliseconds(50) }) {
            channel, server in
            let call = Task { try await channel.unary(path("Hang"), [], request: .bytes, response: .bytes) }
            await started.take()
            server.beginDrain()
            await cancelled.take()
            let failure = await #expect(throws: RPCStatus.self) { _ = try await call.value }
            #expect(failure?.code == .unavailable)
        }
    }

    @Test(
        "DR-2: run() returns when the last handler has, whether the end is graceful or forced",
        arguments: [false, true])
    func lastHandler(forced: Bool) async throws {
        let (started, cancelled, goOn) = (Slot<Void>(), Slot<Void>(), Slot<Void>())
        let ended = Mutex(false)
        let putsAway = RPCMethod.unary(path("PutsAway"), request: .bytes, response: .bytes) { request, _ in
            started.put(())
            do { try await Task.sleep(for: .seconds(3_600)) } catch { cancelled.put(()) }
            // What a handler does at its end is not cut short by its cancellation.
            await Task { await goOn.take() }.value
            ended.withLock { $0 = true }
            return request
        }
        var configuration = RPCServer.Configuration()
        configuration.drainTimeout = .milliseconds(1)
        configuration.handlerEndTimeout = .seconds(60)
        let server = RPCServer(
            configuration: configuration, methods: [putsAway], time: SystemTime(), logger: quiet)
        let running = Task {
            try await server.run()
            return ended.withLock { $0 }
        }
        let channel = try RPCChannel(target: "127.0.0.1:\(await server.boundPort)", time: SystemTime(), logger: quiet)
        let call = Task { try await channel.unary(path("PutsAway"), [], request: .bytes, response: .bytes) }
        await started.take()
        if forced { running.cancel() } else { server.beginDrain() }
        await cancelled.take()
        await #expect(throws: RPCStatus.self) { _ = try await call.value }
        goOn.put(())
        #expect(try await running.value)
        await channel.close()
    }

    @Test("DR-2: a handler that ignores its cancellation does not keep run() for ever")
    func ignoresCancellation() async throws {
        let (started, goOn) = (Slot<Void>(), Slot<Void>())
        let deaf = RPCMethod.unary(path("Deaf"), request: .bytes, response: .bytes) { request, _ in
            started.put(())
            await Task { await goOn.take() }.value
            return request
        }
        var configuration = RPCServer.Configuration()
        configuration.drainTimeout = .milliseconds(1)
        configuration.handlerEndTimeout = .milliseconds(1)
        let server = RPCServer(configuration: configuration, methods: [deaf], time: SystemTime(), logger: quiet)
        let running = Task { try await server.run() }
        let channel = try RPCChannel(target: "127.0.0.1:\(await server.boundPort)", time: SystemTime(), logger: quiet)
        let call = Task { try await channel.unary(path("Deaf"), [], request: .bytes, response: .bytes) }
        await started.take()
        server.beginDrain()
        try await running.value
        goOn.put(())
        await #expect(throws: RPCStatus.self) { _ = try await call.value }
        await channel.close()
    }

    @Test("DR-2: cancelling run() forces the end")
    func forced() async throws {
        let (started, cancelled) = (Slot<Void>(), Slot<Void>())
        let server = RPCServer(
            configuration: .init(), methods: [hanging(started, cancelled)], time: SystemTime(), logger: quiet)
        let running = Task { try await server.run() }
        let channel = try RPCChannel(target: "127.0.0.1:\(await server.boundPort)", time: SystemTime(), logger: quiet)
        let call = Task { try await channel.unary(path("Hang"), [], request: .bytes, response: .bytes) }
        await started.take()
        running.cancel()
        try await running.value
        await cancelled.take()
        await #expect(throws: RPCStatus.self) { _ = try await call.value }
        await channel.close()
    }

    @Test("DR-1: a restart fails no call: the channel moves to the next server")
    func restart() async throws {
        var configuration = RPCServer.Configuration()
        configuration.limits.beGenerous()
        let first = RPCServer(configuration: configuration, methods: [echo], time: SystemTime(), logger: quiet)
        let firstRun = Task { try await first.run() }
        let port = try await first.boundPort
        let channel = try RPCChannel(
            target: "127.0.0.1:\(port)", configuration: .quick(), time: SystemTime(), logger: quiet)
        let traffic = Task {
            var answers = 0
            while !Task.isCancelled {
                _ = try await channel.unary(
                    path("Echo"), [1], request: .bytes, response: .bytes, options: CallOptions(waitForReady: true))
                answers += 1
            }
            return answers
        }
        _ = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes)
        first.beginDrain()
        try await firstRun.value
        configuration.listeners = [.init(.tcp(host: "127.0.0.1", port: port))]
        let second = RPCServer(configuration: configuration, methods: [echo], time: SystemTime(), logger: quiet)
        let secondRun = Task { try await second.run() }
        _ = try await second.boundPort
        for _ in 0..<20 {
            let options = CallOptions(waitForReady: true)
            let answer = try await channel.unary(path("Echo"), [2], request: .bytes, response: .bytes, options: options)
            #expect(answer == [2])
        }
        traffic.cancel()
        do { #expect(try await traffic.value > 0) } catch let status as RPCStatus { #expect(status.code == .cancelled) }
        await channel.close()
        second.beginDrain()
        try await secondRun.value
    }

    @Test("HL-2, HL-4: a watcher hears of the drain and does not hold it up")
    func health() async throws {
        let health = HealthBoard()
        health.set(.serving, for: "a")
        try await withServer(health.methods) { channel, server in
            server.onDrainBegin { health.shutDown() }
            let watch = MethodPath(service: HealthBoard.serviceName, method: "Watch")
            var states: [[UInt8]] = []
            let status = await #expect(throws: RPCStatus.self) {
                try await channel.serverStreaming(watch, [0x0a, 1, 0x61], request: .bytes, response: .bytes) {
                    responses in
                    for try await response in responses {
                        states.append(response)
                        if states.count == 1 { server.beginDrain() }
                    }
                }
            }
            #expect(states == [[8, 1], [8, 2]])
            #expect(status?.code == .unavailable)
        }
    }

    @Test("CON-9: a Unix socket")
    func unixSocket() async throws {
        let file = "/tmp/avs-transport-\(UInt64.random(in: 0...UInt64.max)).sock"
        let server = RPCServer(
            configuration: .init(listeners: [.init(.unix(path: file))]), methods: [echo], time: SystemTime(),
            logger: quiet)
        let running = Task { try await server.run() }
        #expect(try await server.boundAddresses == [.unix(path: file)])
        let channel = try RPCChannel(target: "unix:\(file)", time: SystemTime(), logger: quiet)
        let answer = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes)
        #expect(answer == [1])
        await channel.close()
        server.beginDrain()
        try await running.value
    }

    @Test("a port that is taken is an error of run(), and of whoever asks for the port")
    func portTaken() async throws {
        try await withServer([echo]) { _, server in
            let port = try await server.boundPort
            let second = RPCServer(
                configuration: .init(listeners: [.init(.tcp(host: "127.0.0.1", port: port))]), methods: [],
                time: SystemTime(), logger: quiet)
            await #expect(throws: (any Error).self) { try await second.run() }
            await #expect(throws: (any Error).self) { _ = try await second.boundPort }
        }
    }

    @Test("a service group stops it gracefully")
    func serviceGroup() async throws {
        let server = RPCServer(configuration: .init(), methods: [echo], time: SystemTime(), logger: quiet)
        let group = ServiceGroup(services: [server], logger: quiet)
        let running = Task { try await group.run() }
        _ = try await server.boundPort
        await group.triggerGracefulShutdown()
        try await running.value
    }
}

@Suite("A target")
struct TargetTests {
    @Test(
        "CH-3: names an address",
        arguments: [
            ("localhost:50051", "localhost:50051"), ("dns:///example.com:1", "example.com:1"),
            ("example.com", "example.com:443"),
            ("dns:example.com", "example.com:443"), ("ipv4:1.2.3.4:5", "1.2.3.4:5"), ("ipv6:[::1]:5", "[::1]:5"),
            ("[::1]:7", "[::1]:7"), ("unix:/a/b", "localhost"), ("unix:///a/b", "localhost"), ("::1", "[::1]:443"),
        ])
    func valid(text: String, authority: String) {
        #expect(Target(text)?.authority == authority)
    }

    @Test(
        "CH-3: refuses what names none",
        arguments: ["", ":1", "a:99999", "a:x", "unix:", "dns://8.8.8.8", "[::1", "[::1]x"])
    func invalid(text: String) {
        #expect(throws: RPCStatus.self) { _ = try RPCChannel(target: text, time: SystemTime(), logger: quiet) }
    }
}
