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
            Of four callers two make unary calls, one reads streams that last 60 ms, and one reads streams that last a
            second and a half. No call waits for a connection longer than it takes to open one (wait-for-ready is off),
            none is repeated by hand: whatever fails counts.
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
                    let kind = Kind.mix[caller % Kind.mix.count]
                    group.addTask { await Self.call(TestClient(channel: channel), kind, tally) }
                }
            }
            for await _ in signals { break }
            group.cancelAll()
        }
        for channel in opened { await channel.close() }
        Output.line(tally.json)
    }

    private enum Kind: String {
        case unary, stream, long

        /// What the callers of a channel do, one each.
        static let mix: [Kind] = [.unary, .stream, .unary, .long]

        func run(_ client: TestClient) async throws {
            switch self {
            case .unary: try await LoadCommand.unary(client)
            case .stream: try await LoadCommand.stream(client, answers: 3, milliseconds: 20)
            case .long: try await LoadCommand.stream(client, answers: 15, milliseconds: 100)
            }
        }
    }

    private static func call(_ client: TestClient, _ kind: Kind, _ tally: Tally) async {
        while !Task.isCancelled {
            do {
                try await kind.run(client)
                tally.count("calls")
            } catch {
                if Task.isCancelled { return }
                tally.fail(kind.rawValue, error)
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

    private static func stream(_ client: TestClient, answers: Int, milliseconds: Int) async throws {
        let answer = GRPCTesting.ResponseParameters(size: 100, intervalMicroseconds: milliseconds * 1_000)
        let request = GRPCTesting.StreamingOutputCallRequest.with {
            $0.responseParameters = Array(repeating: answer, count: answers)
        }
        try await client.serverStreaming(TestClient.Methods.streamingOutputCall, request) { responses in
            var count = 0
            for try await _ in responses { count += 1 }
            try expect(count, answers, "answers")
        }
    }
}
