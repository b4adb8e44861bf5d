/// The methods of a server by path: one hash of the bytes as they came, no text made (HDR-5).
///
/// Immutable; a class, since each request refers to it.
public final class MethodTable: Sendable {
    private struct Entry: Sendable {
        var path: [UInt8]
        var method: RPCMethod
    }

    /// Open addressing; at most half full, so that a miss ends soon.
    private struct Places: Sendable {
        var indices: [Int]  // in `entries`, or -1
        var entries: [Entry] = []

        func find(_ path: Span<UInt8>) -> Int {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a; the table holds only our own paths
            for index in path.indices { hash = (hash ^ UInt64(path[index])) &* 0x100_0000_01b3 }
            var place = Int(truncatingIfNeeded: hash >> 32) & (indices.count - 1)
            while indices[place] >= 0, !isSame(entries[indices[place]].path, path) {
                place = (place + 1) & (indices.count - 1)
            }
            return place
        }

        private func isSame(_ left: [UInt8], _ right: Span<UInt8>) -> Bool {
            guard left.count == right.count else { return false }
            for index in right.indices where left[index] != right[index] { return false }
            return true
        }
    }

    private let places: Places
    private let services: Set<String>

    /// - Parameter methods: of two with the same path the later one wins.
    public init(_ methods: [RPCMethod]) {
        services = Set(methods.map { String($0.path.service) })
        var capacity = 16
        while capacity < methods.count * 2 { capacity *= 2 }
        var places = Places(indices: Array(repeating: -1, count: capacity))
        for method in methods {
            let path = Array(method.path.text.utf8)
            let place = places.find(path.span)
            let index = places.indices[place]
            var method = method
            method.number = index >= 0 ? index : places.entries.count
            if index >= 0 {
                places.entries[index].method = method
            } else {
                places.indices[place] = places.entries.count
                places.entries.append(Entry(path: path, method: method))
            }
        }
        self.places = places
    }

    public var methods: [RPCMethod] { places.entries.map(\.method) }

    public func method(_ path: Span<UInt8>) -> RPCMethod? {
        let index = places.indices[places.find(path)]
        return index < 0 ? nil : places.entries[index].method
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
}
