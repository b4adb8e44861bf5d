import AVSClient
import AVSPrimitives
import Glibc

/// Where `avsctl login` leaves the token: one JSON object, for one server, mode 0600.
///
///     {"server":"127.0.0.1:2206","token":"…"}
///
/// The server is part of it so that the token never goes to another one.
struct TokenFile {
    /// Tokens have some 300 bytes, 4096 at the most.
    static let limitBytes = 8 << 10

    var path: String

    /// `$XDG_CONFIG_HOME/avsctl/token`, or under `~/.config`.
    static func defaultPath() throws -> String {
        if let folder = Variable.text("XDG_CONFIG_HOME") { return "\(folder)/avsctl/token" }
        if let home = Variable.text("HOME") { return "\(home)/.config/avsctl/token" }
        throw Failure(.configuration, "neither XDG_CONFIG_HOME nor HOME is set: wanted --token-file FILE")
    }

    func write(_ session: Session, server: String) throws {
        let content: JSONValue = ["server": .string(server), "token": .string(session.token.exposed)]
        try LocalFile.writePrivate(Array("\(content.serialized)\n".utf8), to: path)
    }

    /// - Returns: false when there was none.
    func remove() throws -> Bool {
        guard unlink(path) != 0 else { return true }
        guard errno == ENOENT else {
            throw Failure(.writeFailed, "\(path): \(String(cString: strerror(errno)))")
        }
        return false
    }

    func session(for server: String) throws -> Session {
        guard access(path, F_OK) == 0 else {
            throw Failure(.configuration, "not logged in: there is no \(path)", hint: "log in with `avsctl login`")
        }
        let content: JSONValue
        do {
            content = try JSONValue(parsing: LocalFile.read(path, limitBytes: Self.limitBytes, isPrivate: true))
        } catch let error as JSONError {
            throw Failure(.configuration, "\(path): \(error)")
        }
        guard let token = content["token"]?.stringValue, let owner = content["server"]?.stringValue else {
            throw Failure(.configuration, "\(path): is not what `avsctl login` writes; log in again")
        }
        guard owner == server else {
            throw Failure(.configuration, "\(path): is for \(owner); log in with --server \(server) first")
        }
        return try Session(token: token)
    }
}
