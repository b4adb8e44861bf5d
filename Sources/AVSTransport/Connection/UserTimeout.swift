import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension ConnectionLimits {
    /// TCP_USER_TIMEOUT: bytes that are not acknowledged for this long end the connection, as an unanswered PING does
    /// (CON-7, gRFC A18). Nil where keepalive is off or the system has no such option.
    var userTimeout: (option: ChannelOptions.Types.SocketOption, milliseconds: Int)? {
        #if os(Linux)
            guard keepaliveTime != nil else { return nil }
            let option = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: TCP_USER_TIMEOUT))
            return (option, Int(clamping: min(keepaliveTimeout.components.seconds, 3_600) * 1_000))
        #else
            return nil
        #endif
    }
}
