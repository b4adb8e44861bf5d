import AVSProto
import AVSRPC
import AVSTransport
import ArgumentParser
import UnixSignals

/// `avs-interop load`
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Call without a pause until SIGTERM, and say how many calls failed.",
        discussion: """
            Half of the callers make unary calls, half read streams that last 60 ms. No call waits for a connection
            longer than it takes to open one (wait-for-ready is off), none is repeated by hand: whatever fails counts.
            """)

    @Option(help: ArgumentHelp("One address, or several: ipv4:a:1,b:2.", valueName: "target"))
    var target: String

    @Option(help: ArgumentHelp("Channels, each with its own connection.", valueName: "number"))
    var channels = 4

    @Option(help: ArgumentHelp("Callers on each channel.", valueName: "number"))
    var callers = 4

    @OptionGroup var tls: ClientSecurityOptions

    func run() async throws {
        let server = ServerAddress(
            target: target, security: try tls.security(), isSecure: tls.authority != nil)
        let tally = Tally()
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let opened = try (0..<channels).map { _ in try server.channel() }
        Output.line("calling")
        await withTaskGroup(of: Void.self) { group in
            for channel in opened {
                for caller in 0..<callers {
                    group.addTask { await Self.call(TestClient(channel: channel), streams: caller % 2 == 1, tally) }
                }
            }
            for await _ in signals { break }
            group.cancelAll()
        }
        for channel in opened { await channel.close() }
        Output.line(tally.json)
    }

    private static func call(_ client: TestClient, streams: Bool, _ tally: Tally) async {
        while !Task.isCancelled {
            do {
                if streams { try await stream(client) } else { try await unary(client) }
                tally.count("calls")
            } catch {
                if Task.isCancelled { return }
                tally.fail(streams ? "stream" : "unary", error)
                // A server that is gone for good must not make millions of these.
                do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
            }
        }
    }

    private static func unary(_ client: TestClient) async throws {
        let request = GRPCTesting.SimpleRequest.with {
            $0.payload = GRPCTesting.Payload(size: 100)
            $0.responseSize = 1_000
        }
        let answer = try await client.unary(TestClient.Methods.unaryCall, request).message
        try expect(answer.payload?.body.count, 1_000, "size of the answer")
    }

    private static func stream(_ client: TestClient) async throws {
        let request = GRPCTesting.StreamingOutputCallRequest.with {
            $0.responseParameters = Array(
                repeating: GRPCTesting.ResponseParameters(size: 100, intervalMicroseconds: 20_000), count: 3)
        }
        try await client.serverStreaming(TestClient.Methods.streamingOutputCall, request) { responses in
            var count = 0
            for try await _ in responses { count += 1 }
            try expect(count, 3, "answers")
        }
    }
}
