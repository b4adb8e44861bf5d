import CCurl
import Glibc

/// The addresses of this machine's interfaces.
enum InterfaceAddresses {
    /// Read anew on each call (tens of microseconds), since interfaces come and go. Empty if the system refuses: then
    /// the fixed ranges still protect what is private.
    static func current() -> Set<IPAddress> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var addresses: Set<IPAddress> = []
        var next = unsafe list
        while let interface = unsafe next {
            if let socketAddress = unsafe interface.pointee.ifa_addr,
                let (address, _) = unsafe IPAddress.read(socketAddress)
            {
                addresses.insert(address)
            }
            unsafe next = interface.pointee.ifa_next
        }
        return addresses
    }
}

extension IPAddress {
    /// The address and port in C's form; nil if it is of another family than IPv4 and IPv6. `pointer` must point to a
    /// whole address of its family.
    @unsafe static func read(_ pointer: UnsafePointer<sockaddr>) -> (IPAddress, port: UInt16)? {
        var bytes = [UInt8](repeating: 0, count: 16)
        var port: UInt16 = 0
        let count = unsafe CCurl_address(pointer, &bytes, &port)
        return IPAddress(bytes: bytes.prefix(Int(count))).map { ($0, port) }
    }
}
