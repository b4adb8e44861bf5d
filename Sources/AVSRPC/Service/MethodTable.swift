/// The methods of a server by path: one hash of the bytes as they came, no text made (HDR-5).
public struct MethodTable: Sendable {
    private struct Entry: Sendable {
        var path: [UInt8]
        var method: RPCMethod
    }

    /// Open addressing; at most half full, so that a miss ends soon.
    private var places: [Int]  // index in `entries`, or -1
    private var entries: [Entry] = []
    private let services: Set<String>

    /// - Parameter methods: of two with the same path the later one wins.
    public init(_ methods: [RPCMethod]) {
        services = Set(methods.map { String($0.path.service) })
        var capacity = 16
        while capacity < methods.count * 2 { capacity *= 2 }
        places = Array(repeating: -1, count: capacity)
        for method in methods {
            let path = Array(method.path.text.utf8)
            let place = find(path.span)
            var method = method
            method.number = places[place] >= 0 ? places[place] : entries.count
            if places[place] >= 0 {
                entries[places[place]].method = method
            } else {
                places[place] = entries.count
                entries.append(Entry(path: path, method: method))
            }
        }
    }

    public var methods: [RPCMethod] { entries.map(\.method) }

    public func method(_ path: Span<UInt8>) -> RPCMethod? {
        let index = places[find(path)]
        return index < 0 ? nil : entries[index].method
    }

    /// Why there is no such method; tells the three cases apart (HDR-5).
    func unknown(_ path: Span<UInt8>) -> RPCStatus {
        let text = String(String(copying: path).prefix(256))
        guard let parsed = MethodPath(text) else {
            return RPCStatus(.unimplemented, "malformed path '\(text)': wanted /service/method")
        }
        guard services.contains(String(parsed.service)) else {
            return RPCStatus(.unimplemented, "unknown service '\(parsed.service)'")
        }
        return RPCStatus(.unimplemented, "unknown method '\(parsed.method)' of service '\(parsed.service)'")
    }

    private func find(_ path: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a; the table holds only our own paths
        for index in path.indices { hash = (hash ^ UInt64(path[index])) &* 0x100_0000_01b3 }
        var place = Int(truncatingIfNeeded: hash >> 32) & (places.count - 1)
        while places[place] >= 0, !isSame(entries[places[place]].path, path) {
            place = (place + 1) & (places.count - 1)
        }
        return place
    }

    private func isSame(_ left: [UInt8], _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in right.indices where left[index] != right[index] { return false }
        return true
    }
}
