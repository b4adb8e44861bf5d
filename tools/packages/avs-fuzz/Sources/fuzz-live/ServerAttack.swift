import AVSTLS
import AVSTransport
import FuzzInputs

/// Throws inputs at a live server: conversations of many inputs, over as many connections at a time as there are
/// threads, in plaintext and under TLS, while a client that behaves makes calls.
struct ServerAttack: LiveTarget {
    static let name = "live-server"

    let campaign: Campaign

    func round(_ numbers: Range<UInt64>) async throws -> UInt64 {
        let victim = try Victim(FuzzCertificate.serverContext())
        let server = Task { try await victim.server.run() }  // ends below, by the drain
        let ports = try await victim.ports
        let tls = try FuzzCertificate.clientContext()
        let clients = [
            try NormalCalls(port: ports.plain, security: .plaintext),
            try NormalCalls(port: ports.tls, security: .tls(TLSSecurity(tls))),
        ]
        let isOver = Flag()
        async let calls = behave(clients, victim, until: isOver)
        let result: Result<UInt64, any Error>
        do { result = .success(try await attack(numbers, ports, tls)) } catch { result = .failure(error) }
        isOver.raise()
        try await calls
        for client in clients { try await client.make(4_999) }
        try await end(victim, server, ports)
        for client in clients { await client.close() }
        return try result.get()
    }

    private func attack(
        _ numbers: Range<UInt64>, _ ports: (plain: UInt16, tls: UInt16), _ tls: TLSContext
    ) async throws -> UInt64 {
        try await campaign.onThreads(numbers) { thread, share, note in
            var attacker = Attacker(
                inputs: ClientInputs(corpora: campaign.corpora), seed: campaign.seed, ports: ports, tls: tls,
                thread: thread)
            var number = share.lowerBound
            while number < share.upperBound, !campaign.isOver {
                note(number)
                number += try attacker.converse(number, limit: share.upperBound)
            }
            return number - share.lowerBound
        }
    }

    /// Normal calls, and looks at the numbers, for as long as the attack goes on.
    private func behave(_ clients: [NormalCalls], _ victim: Victim, until isOver: Flag) async throws {
        var number: UInt64 = 0
        while !isOver.isRaised {
            for client in clients { try await client.make(number) }
            guard await victim.server.statistics.connectionsOpened > 0 else { throw Finding("nobody was served") }
            number += 1
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The end comes while connections are open: half of a request stands on each.
    private func end(
        _ victim: Victim, _ server: Task<Void, any Error>, _ ports: (plain: UInt16, tls: UInt16)
    ) async throws {
        let idle = try (0..<8).map { index in
            let peer = try PeerSocket.connect(port: ports.plain, from: (200, UInt8(1 + index)))
            peer.write(ClientInputs.magic + Frames.frame(4, 0, 0, []) + [0, 0, 9, 1])
            return peer
        }
        victim.server.beginDrain()
        try await server.value
        for peer in idle where !peer.drain(seconds: 10) { throw Finding("a connection outlived its server") }
    }
}
