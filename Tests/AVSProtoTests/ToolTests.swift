import AVSPrimitives
import AVSTesting
import Foundation
import Testing

@testable import AVSProto

/// What needs a protobuf compiler. Without one these tests do not pass in silence: they record an issue.
@Suite("With protoc at hand", .serialized)
struct ToolTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("SUP-5: the generated files are up to date")
    func upToDate() throws {
        guard Self.has("protoc-c") else { return }
        let result = try Self.run([Self.root.appending(path: "tools/generate").path, "--check"])
        #expect(result.status == 0, "\(String(decoding: result.output.prefix(2_000), as: UTF8.self))")
    }

    @Test("Google's library reads and writes the same bytes", arguments: [UInt64(1), 2])
    func sameBytes(seed: UInt64) throws {
        guard Self.has("protoc") else { return }
        var maker = WireMaker(random: SeededGenerator(seed: seed), depth: 5, isPlain: true)
        try check(Wire.Task.self, "avs.proto", &maker)
        try check(Wire.Execution.self, "avs.proto", &maker)
        try check(Wire.RunNodeWithInputsReq.self, "avs.proto", &maker)
        try check(Wire.EstimateFeesResp.self, "avs.proto", &maker)
        try check(Wire.SyncMessagesResp.self, "node.proto", &maker)
        try check(Wire.NotifyTriggersReq.self, "node.proto", &maker)
        try check(Wire.Checkin.self, "node.proto", &maker)
        let fixture = "Tests/AVSProtoTests/Fixture"
        try check(Kinds.Scalars.self, "kinds.proto", in: fixture, &maker)
        try check(Kinds.Maps.self, "kinds.proto", in: fixture, &maker)
        try check(Kinds.Documents.self, "kinds.proto", in: fixture, &maker)
        try check(Kinds.Tree.self, "kinds.proto", in: fixture, &maker)
    }

    @Test("Google's library merges as we do")
    func sameMerge() throws {
        guard Self.has("protoc") else { return }
        let trigger = field(1, field(1, field(1, "0xA")) + varint(2, 0)) + field(1, field(1, field(2, "0xB")))
        try check(Wire.EventTrigger.self, "avs.proto", bytes: trigger)
        let node = field(2, "a") + field(11, field(1, field(1, "0xC") + varint(5, 0)))
        try check(
            Wire.RunNodeWithInputsReq.self, "avs.proto", bytes: field(1, node) + field(1, []) + field(1, field(3, "b")))
        try check(Wire.Task.self, "avs.proto", bytes: field(12, []) + field(12, []))
    }

    /// Bytes that Google's library reads and writes again are what we make of the same bytes.
    private func check<M: ProtoMessage>(
        _ type: M.Type, _ file: String, in folder: String = "proto", _ maker: inout WireMaker<SeededGenerator>
    ) throws {
        try check(type, file, in: folder, bytes: maker.message(shape(of: type)))
    }

    private func check<M: ProtoMessage>(
        _ type: M.Type, _ file: String, in folder: String = "proto", bytes: [UInt8]
    ) throws {
        let arguments = ["protoc", "-I\(Self.root.appending(path: folder).path)", "-I/usr/include", file]
        let text = try Self.run(arguments + ["--decode=\(M.fullName)"], input: bytes)
        let theirs = try Self.run(arguments + ["--encode=\(M.fullName)", "--deterministic_output"], input: text.output)
        #expect(text.status == 0 && theirs.status == 0, "\(M.fullName)")
        #expect(theirs.output == (try M(serialized: bytes)).serialized(), "\(M.fullName) from \(Hex.encode(bytes))")
    }

    private static func has(_ program: String) -> Bool {
        let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let found = paths.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
        if !found { Issue.record("\(program) is not installed, so this was not checked") }
        return found
    }

    private static func run(_ command: [String], input: [UInt8] = []) throws -> (status: Int32, output: [UInt8]) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "avsproto-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { do { try FileManager.default.removeItem(at: folder) } catch { Issue.record(error) } }
        let source = folder.appending(path: "input")
        let target = folder.appending(path: "output")
        try Data(input).write(to: source)
        try Data().write(to: target)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = try FileHandle(forReadingFrom: source)
        process.standardOutput = try FileHandle(forWritingTo: target)
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, Array(try Data(contentsOf: target)))
    }
}
