public import AVSPrimitives
import Foundation

/// A development chain of one test: `tools/devchain/devchain` on free ports, with nothing on it but its contracts. It
/// ends with the last reference, and with the test process.
public final class DevChain: Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Whether the Python environment of `tools/setup` is there.
    public static var isAvailable: Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(".venv/bin/python").path)
    }

    public let http: String
    public let webSocket: String
    public let chainID: UInt64
    /// Name → address.
    public let contracts: [String: Address]
    /// Name → address; the node signs for all of them.
    public let accounts: [String: Address]
    /// `http`, `contracts`, `accounts` and the rest of what the chain says at its start.
    public let description: JSONValue

    private let process: Process
    private let input: Pipe

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    public static func start(_ arguments: String...) async throws -> DevChain {
        // Waiting for another process must not hold up a thread that other tests run on.
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try DevChain(arguments) }) }
        }
    }

    private init(_ arguments: [String]) throws {
        process = Process()
        process.executableURL = Self.root.appendingPathComponent("tools/devchain/devchain")
        process.arguments = ["--port", "0", "--until-stdin-closes"] + arguments
        let output = Pipe()
        input = Pipe()
        process.standardOutput = output
        process.standardInput = input
        process.standardError = FileHandle.nullDevice
        try process.run()
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let chunk = output.fileHandleForReading.availableData
            guard !chunk.isEmpty else { throw Failure(description: "devchain ended at its start") }
            line += chunk
        }
        let json = try JSONValue(parsing: Array(line.prefix { $0 != UInt8(ascii: "\n") }))
        guard let http = json["http"]?.stringValue, let webSocket = json["ws"]?.stringValue,
            let chainID = json["chainId"]?.integerValue.flatMap({ UInt64(exactly: $0) })
        else { throw Failure(description: "devchain says \(json.serialized.prefix(300))") }
        self.http = http
        self.webSocket = webSocket
        self.chainID = chainID
        description = json
        contracts = (json["contracts"]?.objectValue ?? [:]).compactMapValues { Address($0.stringValue ?? "") }
        let named = (json["accounts"]?.arrayValue ?? []).compactMap { account -> (String, Address)? in
            guard let name = account["name"]?.stringValue, let address = Address(account["address"]?.stringValue ?? "")
            else { return nil }
            return (name, address)
        }
        accounts = Dictionary(named) { first, _ in first }
    }

    deinit {
        // Closing its input ends it; a stuck one is ended for good.
        input.fileHandleForWriting.closeFile()
        kill(process.processIdentifier, SIGKILL)
    }
}
