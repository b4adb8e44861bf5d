import CProtobufC

/// Putting Swift values where a C struct can point to them.
extension Arena {
    func text(_ value: String) -> ProtobufCBinaryData {
        var value = value
        return value.withUTF8 { unsafe copied($0) }
    }

    func bytes(_ value: [UInt8]) -> ProtobufCBinaryData {
        unsafe value.withUnsafeBufferPointer { unsafe copied($0) }
    }

    private func copied(_ source: UnsafeBufferPointer<UInt8>) -> ProtobufCBinaryData {
        guard let start = source.baseAddress, source.count > 0 else { return unsafe ProtobufCBinaryData() }
        let copy = unsafe room(for: UInt8.self, count: source.count)
        unsafe copy.initialize(from: start, count: source.count)
        return unsafe ProtobufCBinaryData(len: source.count, data: copy)
    }

    func message<M: CBridged>(_ value: M) -> UnsafeMutablePointer<M.CType> {
        let c = unsafe initialized(M.CType.self, M.descriptor)
        unsafe value.fill(c, in: self)
        return unsafe c
    }

    private func initialized<C>(
        _ type: C.Type, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> UnsafeMutablePointer<C> {
        let c = unsafe room(for: type, count: 1)
        unsafe protobuf_c_message_init(descriptor, c)
        return unsafe c
    }

    /// A C array and its length; no array if there is nothing to put in.
    func list<T, C>(_ values: [T], _ element: (T) -> C) -> (UnsafeMutablePointer<C>?, Int) {
        guard !values.isEmpty else { return (nil, 0) }
        let base = unsafe room(for: C.self, count: values.count)
        for (index, value) in values.enumerated() { unsafe (base + index).initialize(to: element(value)) }
        return unsafe (base, values.count)
    }

    func messages<M: CBridged>(_ values: [M]) -> (UnsafeMutablePointer<UnsafeMutablePointer<M.CType>?>?, Int) {
        unsafe list(values) { unsafe message($0) }
    }

    /// The entry messages of a map, ordered by key so that equal maps have equal bytes.
    func entries<K: MapKey, V, C>(
        _ map: [K: V], _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>,
        _ fill: (UnsafeMutablePointer<C>, K, V) -> Void
    ) -> (UnsafeMutablePointer<UnsafeMutablePointer<C>?>?, Int) {
        unsafe list(map.sorted { K.precedes($0.key, $1.key) }) { key, value in
            let entry = unsafe initialized(C.self, descriptor)
            unsafe fill(entry, key, value)
            return unsafe entry
        }
    }
}

/// What protobuf allows as a key of a map.
protocol MapKey: Hashable {
    static func precedes(_ one: Self, _ other: Self) -> Bool
}

extension MapKey where Self: FixedWidthInteger {
    static func precedes(_ one: Self, _ other: Self) -> Bool { one < other }
}

extension Int32: MapKey {}
extension Int64: MapKey {}
extension UInt32: MapKey {}
extension UInt64: MapKey {}

extension Bool: MapKey {
    static func precedes(_ one: Bool, _ other: Bool) -> Bool { !one && other }
}

extension String: MapKey {
    static func precedes(_ one: String, _ other: String) -> Bool { one.utf8.lexicographicallyPrecedes(other.utf8) }
}
