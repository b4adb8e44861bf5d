import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTransport
import ArgumentParser

/// `avs-interop churn`
struct ChurnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "churn", abstract: "Connections that come and go, calls of every kind and every end.",
        discussion: """
            Reads a number of seconds from each line of standard input, works that long, closes everything, and answers
            with one JSON object of counts. Ends at the end of input. What a call must end with is known beforehand;
            another end counts as failed.
            """)

    @Option(help: ArgumentHelp("The server.", valueName: "host:port"))
    var target: String

    @Option(help: ArgumentHelp("Channels at the same time.", valueName: "number"))
    var channels = 8

    @Option(help: ArgumentHelp("Of the choice of calls.", valueName: "number"))
    var seed: UInt64 = 1

    @OptionGroup var tls: ClientSecurityOptions

    func run() async throws {
        let server = ServerAddress(target: target, security: try tls.security(), isSecure: tls.authority != nil)
        var round: UInt64 = 0
        // Nothing else runs while this waits for a line.
        while let line = readLine() {
            guard let seconds = Double(line), seconds >= 0, seconds <= 86_400 else {
                throw ValidationError("'\(line)': wanted a number of seconds, 0 to 86400")
            }
            let tally = Tally()
            let end = ContinuousClock.now + .seconds(seconds)
            await withTaskGroup(of: Void.self) { group in
                for worker in 0..<channels {
                    let own = seed &+ round &* 1_000 &+ UInt64(worker)
                    group.addTask {
                        var churn = Churn(server: server, tally: tally, seed: own)
                        await churn.run(until: end)
                    }
                }
            }
            round += 1
            Output.line(tally.json)
        }
    }
}

/// One worker: a channel, some calls, another channel.
private struct Churn {
    /// Below the burst of resets that a server takes on one connection.
    private static let callsOfAChannel = 40

    let server: ServerAddress
    let tally: Tally
    private var random: SplitMix

    init(server: ServerAddress, tally: Tally, seed: UInt64) {
        self.server = server
        self.tally = tally
        random = SplitMix(state: seed)
    }

    mutating func run(until end: ContinuousClock.Instant) async {
        while ContinuousClock.now < end {
            do {
                let channel = try server.channel()
                tally.count("connections")
                await useChannel(TestClient(channel: channel), until: end)
                await channel.close()
            } catch {
                tally.fail("channel", error)
            }
        }
    }

    private mutating func useChannel(_ client: TestClient, until end: ContinuousClock.Instant) async {
        for _ in 0..<Int.random(in: 1...Self.callsOfAChannel, using: &random) where ContinuousClock.now < end {
            guard let kind = Kind.allCases.randomElement(using: &random) else { return }
            do {
                try await kind.run(client)
                tally.count("calls")
                tally.count(kind.rawValue)
            } catch {
                tally.fail(kind.rawValue, error)
            }
        }
    }

    private enum Kind: String, CaseIterable {
        case unary, large, compressed, streams, resets, deadlines, errors

        func run(_ client: TestClient) async throws {
            switch self {
            case .unary: try await client.emptyUnary()
            case .large: try await client.largeUnary()
            case .compressed: try await client.serverCompressedStreaming()
            case .streams: try await client.pingPong()
            case .resets: try await client.cancelAfterFirstResponse()
            case .deadlines: try await client.timeoutOnSleepingServer()
            case .errors: try await client.specialStatusMessage()
            }
        }
    }
}

/// A generator of numbers that a seed determines.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
