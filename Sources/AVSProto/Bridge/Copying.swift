import CProtobufC

// Copying out of the structs that protobuf-c unpacked. The generated initializers call these.

extension String {
    /// The text, NUL bytes included. ``WireCheck`` has seen that it is UTF-8.
    init(copying c: ProtobufCBinaryData) {
        self = unsafe String(decoding: UnsafeBufferPointer(start: c.data, count: c.len), as: UTF8.self)
    }
}

extension [UInt8] {
    init(copying c: ProtobufCBinaryData) {
        self = unsafe Array(UnsafeBufferPointer(start: c.data, count: c.len))
    }
}

extension ProtoEnum {
    /// C enums are unsigned where none of their values is negative; the bits are the same.
    init(copying c: some BinaryInteger) { self.init(rawValue: Int32(truncatingIfNeeded: c)) }
}

func optional<M: CBridged>(_ c: UnsafeMutablePointer<M.CType>?) -> M? {
    unsafe c.map { unsafe M(copying: $0) }
}

/// A message that has to be there; protobuf's default if it is not.
func required<M: CBridged>(_ c: UnsafeMutablePointer<M.CType>?) -> M {
    unsafe optional(c) ?? M.absent
}

func list<C, T>(_ base: UnsafeMutablePointer<C>?, _ count: Int, _ element: (C) -> T) -> [T] {
    unsafe UnsafeBufferPointer(start: base, count: count).map(element)
}

/// Numbers, which are the same on both sides.
func list<T>(_ base: UnsafeMutablePointer<T>?, _ count: Int) -> [T] {
    unsafe Array(UnsafeBufferPointer(start: base, count: count))
}

func messages<M: CBridged>(_ base: UnsafeMutablePointer<UnsafeMutablePointer<M.CType>?>?, _ count: Int) -> [M] {
    unsafe list(base, count) { unsafe required($0) }
}

/// A map from its entries; of entries with one key the last counts. So it is with keys that are one to Swift although
/// their bytes differ, and then the bytes are the last one's too (INP-1).
func dictionary<C, K, V>(
    _ base: UnsafeMutablePointer<UnsafeMutablePointer<C>?>?, _ count: Int,
    _ entry: (UnsafeMutablePointer<C>) -> (K, V)
) -> [K: V] {
    var map = [K: V](minimumCapacity: count)
    let entries = unsafe UnsafeBufferPointer(start: base, count: count)
    for index in entries.indices {
        guard let c = unsafe entries[index] else { continue }
        let (key, value) = unsafe entry(c)
        let sizeBefore = map.count
        map[key] = value
        guard map.count == sizeBefore else { continue }
        map.removeValue(forKey: key)  // setting the value has kept the key that was there
        map[key] = value
    }
    return map
}
