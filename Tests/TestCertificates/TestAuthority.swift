import Foundation

/// A certificate authority of one test run, made by the `openssl` command: nothing to commit, nothing to expire.
///
/// Its files live in a temporary directory until the authority goes away.
public final class TestAuthority: Sendable {
    /// A certificate chain and its key.
    public struct Credential: Sendable {
        public let chainPath: String
        public let keyPath: String
        public let chainPEM: [UInt8]
        public let keyPEM: [UInt8]
    }

    public struct OpenSSLFailure: Error, CustomStringConvertible {
        public let description: String
    }

    public let certificatePath: String
    public let certificatePEM: [UInt8]
    private let directory: URL
    private var certificate: String { path("authority.pem") }
    private var key: String { path("authority.key") }

    public init(_ name: String = "Test Authority") throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("avs-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        certificatePath = directory.appendingPathComponent("authority.pem").path
        try Self.openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", directory.appendingPathComponent("authority.key").path, "-out", certificatePath,
            "-days", "2", "-subj", "/CN=\(name)", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        ])
        certificatePEM = try Self.read(certificatePath)
    }

    deinit {
        // Best effort: a directory that stays behind harms nobody.
        try? FileManager.default.removeItem(at: directory)
    }

    /// A certificate signed by this authority.
    ///
    /// - Parameters:
    ///   - subject: as `openssl` writes it, such as `/CN=client/O=Example`.
    ///   - names: subject alternative names, such as `DNS:localhost,IP:127.0.0.1,URI:spiffe://test/client`.
    ///   - days: from now; a negative number makes an expired one.
    public func issue(subject: String = "/CN=test", names: String, days: Int = 2) throws -> Credential {
        let id = UUID().uuidString
        let (request, chain, key) = (path("\(id).csr"), path("\(id).pem"), path("\(id).key"))
        try Self.openssl([
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
            "-subj", subject, "-addext", "subjectAltName=\(names)",
        ])
        try Self.openssl([
            "x509", "-req", "-in", request, "-CA", certificate, "-CAkey", self.key, "-set_serial",
            "0x" + id.filter(\.isHexDigit).prefix(16), "-days", "\(days)", "-copy_extensions", "copy", "-out", chain,
        ])
        return Credential(
            chainPath: chain, keyPath: key, chainPEM: try Self.read(chain), keyPEM: try Self.read(key))
    }

    private func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    private static func read(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw OpenSSLFailure(description: "openssl \(arguments[0]): \(String(decoding: text, as: UTF8.self))")
        }
    }
}
