import Foundation
import Testing

@testable import AVSHTTP2

/// Rules about the code itself, read from it.
@Suite("The wrapper of libnghttp2")
struct SourceRuleTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The Swift files of a module without their comments, by name.
    private func sources(_ module: String) throws -> [String: String] {
        let folder = Self.root.appending(path: "Sources/\(module)")
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path(percentEncoded: false))
        var sources: [String: String] = [:]
        for name in names where name.hasSuffix(".swift") {
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            let lines = text.split(separator: "\n").map { line in
                String(line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line)
            }
            sources[name] = lines.joined(separator: "\n")
        }
        return sources
    }

    @Test("NG-1: what the library calls back calls none of the functions that must not be called from there")
    func reentrancy() throws {
        let forbidden = [
            "nghttp2_session_mem_recv", "nghttp2_session_mem_send", "nghttp2_session_send", "nghttp2_session_recv",
            "nghttp2_session_del",
        ]
        let sources = try sources("AVSHTTP2")
        for name in ["Callbacks.swift", "Mailbox.swift", "Outbox.swift", "IncomingHeaders.swift"] {
            let text = try #require(sources[name])
            for function in forbidden { #expect(!text.contains(function), "\(function) in \(name)") }
        }
    }

    @Test("NG-7: the session is fed and drained in memory, never by callbacks that read and write")
    func inMemory() throws {
        for (name, text) in try sources("AVSHTTP2") {
            for function in [
                "nghttp2_session_send(", "nghttp2_session_recv(", "set_send_callback(", "set_recv_callback(",
            ] { #expect(!text.contains(function), "\(function) in \(name)") }
        }
    }

    @Test("NG-23: one module imports the library, through its shim, and none of the functions that 1.52 has not")
    func shim() throws {
        let modules = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appending(path: "Sources").path(percentEncoded: false))
        for module in modules where module != "AVSHTTP2" && !module.hasPrefix("C") {
            for (name, text) in try sources(module) { #expect(!text.contains("import CNGHTTP2"), "\(module)/\(name)") }
        }
        for (name, text) in try sources("AVSHTTP2") {
            for late in [
                "mem_recv2", "mem_send2", "data_provider2", "submit_response2", "submit_request2", "_callback2",
            ] {
                #expect(!text.contains(late), "\(late) in \(name)")
            }
            #expect(!text.contains(" as? ") && !text.contains(" as! "), "a cast in \(name)")
        }
        #expect(try sources("AVSHTTP2")["Callbacks.swift"]?.contains("Unmanaged") == false)  // nothing is counted
    }

    @Test("NG-23: a session and the mailbox that its callbacks write into live and end together", arguments: [1, 100])
    func ownership(count: Int) throws {
        final class Weak { weak var outbox: OutboxHolder? }  // what a mailbox holds goes when the mailbox does
        var held: [Weak] = []
        do {
            var endpoints: [Endpoint] = []
            for number in 0..<count {
                let endpoint = try Endpoint(number % 2 == 0 ? .server : .client)
                let box = Weak()
                let outbox = OutboxHolder()
                endpoint.session.mailbox.outboxes.insert(outbox, for: StreamID(1_001))
                box.outbox = outbox
                held.append(box)
                endpoints.append(endpoint)
            }
            for (number, endpoint) in endpoints.enumerated() {  // each writes into its own
                try endpoint.receive(number % 2 == 0 ? Raw.opening : Raw.settings)
                #expect(endpoint.events.first == .settings)
            }
            #expect(held.allSatisfy { $0.outbox != nil })
        }
        #expect(held.allSatisfy { $0.outbox == nil })
    }
}
