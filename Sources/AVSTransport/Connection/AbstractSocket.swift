import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Unix sockets of Linux whose name is not in the file system (CON-9).
///
/// Made here, since the length of the address is part of the name and NIO always gives the whole structure.
enum AbstractSocket {
    /// What fits into an address behind its first byte.
    static let nameLimitBytes = 107

    struct Failure: Error, CustomStringConvertible {
        let call: String
        let name: String
        let code: CInt

        var description: String { "\(call) of unix-abstract:\(name): \(String(cString: strerror(code)))" }
    }

    /// A socket that listens; the caller owns it.
    static func listening(_ name: String, backlog: CInt) throws(Failure) -> CInt {
        let descriptor = try make(name)
        guard withAddress(name, { bind(descriptor, $0, $1) }) == 0 else { throw fail("bind", name, descriptor) }
        guard listen(descriptor, backlog) == 0 else { throw fail("listen", name, descriptor) }
        return descriptor
    }

    /// A connected socket; the caller owns it. Does not block: a server whose backlog is full counts as unreachable.
    static func connected(_ name: String) throws(Failure) -> CInt {
        let descriptor = try make(name)
        guard withAddress(name, { connect(descriptor, $0, $1) }) == 0 else {
            throw fail("connect", name, descriptor)
        }
        return descriptor
    }

    private static func make(_ name: String) throws(Failure) -> CInt {
        #if os(Linux)
            guard (1...nameLimitBytes).contains(name.utf8.count) else {
                throw Failure(call: "socket", name: name, code: ENAMETOOLONG)
            }
            // Which module these types belong to depends on what the compiler has read first, so no member is asked
            // for.
            let types = [SOCK_STREAM, SOCK_NONBLOCK, SOCK_CLOEXEC].map { unsafeBitCast($0, to: CInt.self) }
            let descriptor = socket(AF_UNIX, types.reduce(0, |), 0)
            guard descriptor >= 0 else { throw Failure(call: "socket", name: name, code: errno) }
            return descriptor
        #else
            throw Failure(call: "socket", name: name, code: EAFNOSUPPORT)
        #endif
    }

    private static func fail(_ call: String, _ name: String, _ descriptor: CInt) -> Failure {
        let code = errno
        close(descriptor)
        return Failure(call: call, name: name, code: code)
    }

    /// Lends the address: a zero byte, then the name, and no byte more.
    private static func withAddress(_ name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.dropFirst().copyBytes(from: name.utf8.prefix(nameLimitBytes))
        }
        let path = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? MemoryLayout<sa_family_t>.size
        let count = socklen_t(path + 1 + name.utf8.count)
        return withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, count) }
        }
    }
}
