import AVSPrimitives

/// What workflows may not even try, by name and port (SSRF-7). Addresses are judged when sockets open, by
/// ``AddressRule``; literal ones here too, so that nothing is resolved or queued for them.
struct PublicPolicy: Sendable {
    let allowed: Set<AllowedEndpoint>

    func check(_ url: FetchURL) throws(FetchError) {
        if let address = url.address {
            guard permits(address, port: url.port) else { throw refusal(url, "address") }
            return
        }
        // `localhost` is a name for an allowed address only if the configuration says so with its port.
        if url.host == "localhost", allowsLoopback(port: url.port) { return }
        guard url.host.utf8.contains(UInt8(ascii: ".")), !Self.refusedSuffixes.contains(where: url.host.hasSuffix)
        else {
            throw refusal(url, "name")
        }
        guard Self.permitsPort(url.port) || allowed.contains(where: { $0.port == url.port }) else {
            throw refusal(url, "port")
        }
    }

    /// A snapshot for the sockets of one request.
    func addressRule() -> AddressRule {
        .publicOnly(allowed: allowed, own: InterfaceAddresses.current())
    }

    private func permits(_ address: IPAddress, port: UInt16) -> Bool {
        if allowed.contains(AllowedEndpoint(address: address, port: port)) { return true }
        return address.isPublic && Self.permitsPort(port)
    }

    private func allowsLoopback(port: UInt16) -> Bool {
        allowed.contains { $0.port == port && ($0.address == .v4(0x7f00_0001) || $0.address == .v6(Word128(1))) }
    }

    private func refusal(_ url: FetchURL, _ what: String) -> FetchError {
        FetchError(.blockedAddress, host: url.host, detail: "\(what) is refused: \(url.host):\(url.port)")
    }

    /// Names of inner networks.
    private static let refusedSuffixes = [".localhost", ".local", ".internal", ".home.arpa"]

    /// Databases and control planes that believe in their network.
    private static let refusedPorts: Set<UInt16> = [
        2375, 2376, 2379, 2380, 3306, 5432, 6379, 6443, 9042, 9200, 9300, 10250, 11211, 27017,
    ]

    static func permitsPort(_ port: UInt16) -> Bool {
        port == 80 || port == 443 || (port >= 1024 && !refusedPorts.contains(port))
    }
}
