/// Which addresses a transfer may connect to. Asked for the address of each socket before it is connected (SSRF-2), so
/// that it does not matter how a name was written, resolved or redirected.
struct AddressRule: Sendable {
    private enum Kind {
        case any
        /// `own` are this machine's addresses: what listens on its public ones is not for workflows either.
        case publicOnly(allowed: Set<AllowedEndpoint>, own: Set<IPAddress>)
    }

    private let kind: Kind

    /// The administrator chose the endpoints: any address will do.
    static let any = AddressRule(kind: .any)

    static func publicOnly(allowed: Set<AllowedEndpoint>, own: Set<IPAddress>) -> AddressRule {
        AddressRule(kind: .publicOnly(allowed: allowed, own: own))
    }

    func permits(_ address: IPAddress, port: UInt16) -> Bool {
        switch kind {
        case .any: true
        case .publicOnly(let allowed, let own):
            allowed.contains(AllowedEndpoint(address: address, port: port))
                || (address.isPublic && !own.contains(address) && PublicPolicy.permitsPort(port))
        }
    }
}
