import Glibc

/// Where lines go in the end.
public protocol LogOutput: Sendable {
    /// Writes all of a line or gives it up. Called from one thread at a time, and may block.
    func write(_ line: [UInt8])
}

/// A file descriptor, standard error as a rule. It is not closed.
public struct DescriptorLogOutput: LogOutput {
    private let descriptor: Int32

    public static let standardError = DescriptorLogOutput(STDERR_FILENO)

    public init(_ descriptor: Int32) { self.descriptor = descriptor }

    public func write(_ line: [UInt8]) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&wanted, 1, 1_000) > 0 else { return }
            } else if !(count < 0 && errno == EINTR) {
                return  // nobody reads it any more: there is nowhere to say so
            }
        }
    }
}
