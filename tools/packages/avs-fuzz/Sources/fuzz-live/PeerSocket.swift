import AVSTLS
import FuzzInputs

#if canImport(Glibc)
    import Glibc
#endif

/// One side of a TCP connection on this machine, plain or under TLS: blocking, with time limits, of one thread.
final class PeerSocket {
    enum Read: Equatable {
        case bytes([UInt8])
        /// Nothing came in time.
        case nothing
        /// The other side has ended or reset the connection.
        case end
    }

    private let descriptor: Int32
    private var tls: TLSSession?
    private var hasHandshake = false
    /// What came with the last of the handshake.
    private var early: [UInt8] = []

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        setTimeout(SO_SNDTIMEO, milliseconds: 10_000)
    }

    deinit { close(descriptor) }

    // MARK: Opening

    /// - Parameter source: the last two bytes of the loopback address to come from: there are only so many ports to one
    ///   address, and each is kept for a minute after its connection.
    static func connect(port: UInt16, from source: (UInt8, UInt8)) throws -> PeerSocket {
        let descriptor = try newDescriptor()
        let peer = PeerSocket(descriptor)
        guard bind(descriptor, [127, 1, source.0, source.1], port: 0) else { throw failure("bind") }
        var address = Self.address([127, 0, 0, 1], port: port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw failure("connect") }
        return peer
    }

    private static func newDescriptor() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket") }
        return descriptor
    }

    private static func address(_ host: [UInt8], port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = host.reversed().reduce(0) { $0 << 8 | UInt32($1) }
        return address
    }

    private static func bind(_ descriptor: Int32, _ host: [UInt8], port: UInt16) -> Bool {
        var address = Self.address(host, port: port)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func failure(_ call: String) -> Finding {
        Finding("\(call): \(String(cString: strerror(errno)))")
    }

    /// Listens on a free port; one thread accepts, one connection after the other.
    final class Listener: Sendable {
        private let descriptor: Int32
        let port: UInt16

        init() throws {
            let descriptor = try PeerSocket.newDescriptor()
            guard PeerSocket.bind(descriptor, [127, 0, 0, 1], port: 0), listen(descriptor, 128) == 0 else {
                throw failure("listen")
            }
            var (address, size) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
            _ = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
            }
            self.descriptor = descriptor
            port = address.sin_port.bigEndian
        }

        deinit { close(descriptor) }

        /// Nil once ``stop()`` was called.
        func next() -> PeerSocket? {
            let accepted = accept(descriptor, nil, nil)
            return accepted < 0 ? nil : PeerSocket(accepted)
        }

        /// From any thread.
        func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    // MARK: TLS

    /// Makes the handshake. Throws if the other side, which nobody has attacked yet, does not.
    func startTLS(_ session: consuming TLSSession) throws {
        tls = consume session
        flush()
        while !hasHandshake {
            guard case .bytes(let plaintext) = read(milliseconds: 20_000) else { throw Finding("no TLS handshake") }
            early += plaintext
        }
    }

    // MARK: Bytes

    /// False once the connection takes no more.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        guard tls != nil else { return writeRaw(bytes) }
        do throws(TLSError) { try tls?.send(bytes.span) } catch { return false }
        return flush()
    }

    /// Past TLS, if there is any.
    @discardableResult
    func writeRaw(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    @discardableResult
    private func flush() -> Bool { writeRaw(tls?.takeOutput() ?? []) }

    func read(milliseconds: Int) -> Read {
        guard early.isEmpty || !hasHandshake else {
            defer { early = [] }
            return .bytes(early)
        }
        setTimeout(SO_RCVTIMEO, milliseconds: milliseconds)
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 32 * 1_024) { room, count in
            let received = recv(descriptor, room.baseAddress, room.count, 0)
            if received < 0 { failure = errno }
            count = max(0, received)
        }
        if failure == EAGAIN || failure == EINTR { return .nothing }
        guard !bytes.isEmpty else { return .end }
        guard tls != nil, let received = tls?.receive(bytes.span) else { return .bytes(bytes) }
        flush()
        hasHandshake = hasHandshake || received.handshake != nil
        if received.failure != nil || received.peerClosed { return .end }
        return .bytes(received.plaintext)
    }

    private var timeouts: [Int32: Int] = [:]

    private func setTimeout(_ option: Int32, milliseconds: Int) {
        guard timeouts.updateValue(milliseconds, forKey: option) != milliseconds else { return }
        var time = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    // MARK: The end

    /// Says that we have no more to say; what the other side says can be read.
    func finish() {
        tls?.close()
        flush()
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends with RST instead of FIN.
    func resetAtClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Reads until the other side has ended too.
    ///
    /// - Returns: false if it has not after this long.
    func drain(seconds: Int) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if read(milliseconds: 1_000) == .end { return true }
        }
        return false
    }
}
