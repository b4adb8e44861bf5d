import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTesting
import AVSWorkflow
import Logging
import Synchronization
import Testing

@testable import AVSServer

@Suite("An operator's alias")
struct OperatorAliasTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let alias = ServerHarness.stranger

    /// A registry of which a test decides the answer.
    private final class Registry: Sendable {
        struct Away: Error {}
        let state = Mutex((answer: Result<Address?, Away>.success(nil), asked: [Address]()))

        func answer(_ address: Address?) { state.withLock { $0.answer = .success(address) } }
        func fail() { state.withLock { $0.answer = .failure(Away()) } }
        var asked: Int { state.withLock { $0.asked.count } }

        func aliases(_ time: any TimeSource) -> OperatorAliases {
            OperatorAliases(approved: [ServerHarness.node], time: time, logger: quiet) { node in
                try self.state.withLock { state in
                    state.asked.append(node)
                    return try state.answer.get()
                }
            }
        }
    }

    @Test("is remembered for ten minutes, and that there is none for one") func memory() async {
        let (time, registry) = (ManualTime(), Registry())
        let aliases = registry.aliases(time)
        for _ in 0..<3 { #expect(await aliases.alias(of: ServerHarness.node) == nil) }
        registry.answer(Self.alias)
        time.advance(by: .seconds(59))
        #expect(await aliases.alias(of: ServerHarness.node) == nil && registry.asked == 1)
        time.advance(by: .seconds(1))
        #expect(await aliases.alias(of: ServerHarness.node) == Self.alias && registry.asked == 2)
        registry.answer(nil)
        time.advance(by: .seconds(599))
        #expect(await aliases.alias(of: ServerHarness.node) == Self.alias && registry.asked == 2)
        time.advance(by: .seconds(1))
        #expect(await aliases.alias(of: ServerHarness.node) == nil && registry.asked == 3)
    }

    @Test("counts on while the registry is away, which is asked again soon") func away() async {
        let (time, registry) = (ManualTime(), Registry())
        let aliases = registry.aliases(time)
        registry.answer(Self.alias)
        #expect(await aliases.alias(of: ServerHarness.node) == Self.alias)
        registry.fail()
        time.advance(by: .seconds(600))
        for _ in 0..<3 { #expect(await aliases.alias(of: ServerHarness.node) == Self.alias) }
        #expect(registry.asked == 2)
        registry.answer(nil)
        time.advance(by: .seconds(5))
        #expect(await aliases.alias(of: ServerHarness.node) == nil)
    }

    @Test("is looked up for approved operators only") func notApproved() async {
        let registry = Registry()
        registry.answer(Self.alias)
        #expect(await registry.aliases(ManualTime()).alias(of: ServerHarness.owner) == nil)
        #expect(registry.asked == 0)
    }

    /// Calls Ping and Ack of operator ``ServerHarness/node`` with what `key` signed.
    private func call(
        signedBy key: SigningKey, for address: Address = ServerHarness.node, _ registry: Registry
    ) async throws {
        let harness = try ServerHarness()
        let services = Services(
            engine: harness.engine, authority: harness.services.authority, operators: OperatorAuthentication(),
            aliases: registry.aliases(harness.time), gate: harness.gate, showsCanceledAsDisabled: true,
            taskLimits: .init(), health: HealthBoard(), reflection: nil, time: harness.time, logger: Self.quiet)
        let epoch = harness.time.now.seconds
        let signature = try key.signMessage(Array("Operator:\(address.checksummed)Epoch:\(epoch)".utf8))
        let credential = try OperatorCredential(
            authorization: "Bearer \(epoch).\(Hex.encode(signature.bytes))", now: harness.time.now,
            tolerance: .seconds(60))
        let ping = Wire.Checkin.with { $0.address = ServerHarness.node.lowercased }
        let requests = [
            (Wire.NodeMethods.ping.method("Ping"), ping.serialized()), (Wire.NodeMethods.ack.method("Ack"), []),
        ]
        for (path, bytes) in requests {
            let found = try #require(services.methods.last { $0.path == path })
            guard case .unary(let respond) = found.handler else { throw RPCStatus(.internal, "\(path) is not unary") }
            var context = CallContext(
                method: path, kind: .unary, peer: Peer(address: "test:1"), receivedAt: harness.time.now)
            context[Caller.Key.self] = .node(credential)
            _ = try await respond(bytes, context)
        }
    }

    @Test("signs for it, and nobody else does (API-10.7.14)") func signs() async throws {
        let registry = Registry()
        let key = try SigningKey(bytes: Array(repeating: 9, count: 32))
        registry.answer(key.address)
        try await call(signedBy: key, registry)
        // For another operator it signed, or another alias is declared, or none.
        await #expect(throws: RPCStatus.self) { try await call(signedBy: key, for: ServerHarness.owner, registry) }
        for declared in [Self.alias, nil] {
            registry.answer(declared)
            let status = await #expect(throws: RPCStatus.self) { try await call(signedBy: key, registry) }
            #expect(status?.code == .unauthenticated && status?.message == "User Auth key is invalid")
        }
        registry.fail()
        await #expect(throws: RPCStatus.self) { try await call(signedBy: key, registry) }
    }
}

extension ProtoMethod {
    fileprivate func method(_ name: String) -> MethodPath { MethodPath(service: service, method: name) }
}
