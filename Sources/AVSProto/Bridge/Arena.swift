import CProtobufC

/// The memory of one message on its C side: taken piece by piece from the stack and a few chunks, given back all
/// at once.
///
/// Both directions use it. protobuf-c's own allocator calls `malloc` for each text and each message, and `free` again
/// for each (SP-8). Nothing that lies in an arena may leave the closure that it is lent to.
@safe struct Arena {
    @unsafe private struct State {
        /// The free part of the newest chunk.
        var next: UnsafeMutableRawPointer?
        var left = 0
        /// Each chunk begins with the address of the one before it.
        var newest: UnsafeMutableRawPointer?
        var chunkSize: Int
        var taken = 0
        var chunks = 0
        let limit: Int
        var isExhausted = false
        var containers = 0
    }

    /// No C type needs more.
    private static let alignment = 16
    private static let smallestChunk = 1 << 10
    private static let greatestChunk = 1 << 20

    private let state: UnsafeMutablePointer<State>

    private init(_ state: UnsafeMutablePointer<State>) { unsafe self.state = unsafe state }

    /// Lends an arena that takes at most `limit` bytes, the first of them from the stack: most messages need no more.
    /// `expecting` sizes its first chunk beyond.
    static func lend<R, E: Error>(
        expecting byteCount: Int, limit: Int = .max, _ body: (Arena) throws(E) -> R
    ) throws(E) -> R {
        let chunkSize = min(max(byteCount, smallestChunk), greatestChunk)
        return try unsafe withUnsafeTemporaryAllocation(byteCount: smallestChunk, alignment: alignment) {
            (room) throws(E) -> R in
            let first = min(room.count, limit)
            var state = unsafe State(
                next: room.baseAddress, left: first, chunkSize: chunkSize, taken: first, limit: limit)
            return try unsafe withUnsafeMutablePointer(to: &state) { (state) throws(E) -> R in
                let arena = unsafe Arena(state)
                defer { arena.free() }
                return try body(arena)
            }
        }
    }

    private func free() {
        while let chunk = unsafe state.pointee.newest {
            unsafe state.pointee.newest = unsafe chunk.load(as: UnsafeMutableRawPointer?.self)
            unsafe chunk.deallocate()
        }
    }

    /// Whether protobuf-c was refused memory because of the limit.
    var isExhausted: Bool { unsafe state.pointee.isExhausted }

    /// How often memory was asked for; for tests.
    var chunkCount: Int { unsafe state.pointee.chunks }

    /// protobuf-c's view of this arena: its `free` does nothing.
    var allocator: ProtobufCAllocator {
        unsafe ProtobufCAllocator(
            alloc: { context, size in
                guard let state = unsafe context?.assumingMemoryBound(to: State.self) else { return nil }
                return unsafe Arena(state).take(size)
            },
            free: { _, _ in },
            allocator_data: UnsafeMutableRawPointer(state))
    }

    /// Room for `count` values of `T`, not initialized. Only for messages of our own, which have no limit.
    func room<T>(for type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
        guard let piece = unsafe take(count * MemoryLayout<T>.stride) else {
            preconditionFailure("\(count) values of \(type) do not fit into memory")
        }
        return unsafe piece.bindMemory(to: type, capacity: count)
    }

    /// Whether one more object or list may be put inside those that are being filled.
    var mayNest: Bool { unsafe state.pointee.containers < ProtoLimits.valueDepth }

    /// Counts an object or list for as long as `body` runs.
    func withinContainer<R>(_ body: () -> R) -> R {
        unsafe state.pointee.containers += 1
        defer { unsafe state.pointee.containers -= 1 }
        return body()
    }

    /// `count` bytes; nil if they would pass the limit.
    private func take(_ count: Int) -> UnsafeMutableRawPointer? {
        let (padded, overflow) = count.addingReportingOverflow(Arena.alignment - 1)
        let size = padded & ~(Arena.alignment - 1)
        guard count >= 0, !overflow, hasRoom(for: size) else {
            unsafe state.pointee.isExhausted = true
            return nil
        }
        let piece = unsafe state.pointee.next
        unsafe state.pointee.next = unsafe piece.map { unsafe $0 + size }
        unsafe state.pointee.left -= size
        return unsafe piece
    }

    /// Begins a new chunk if the newest one has not `size` bytes left.
    private func hasRoom(for size: Int) -> Bool {
        if unsafe size <= state.pointee.left { return true }
        let capacity = unsafe max(size, state.pointee.chunkSize)
        guard unsafe capacity <= state.pointee.limit - state.pointee.taken else { return false }
        let chunk = UnsafeMutableRawPointer.allocate(
            byteCount: Arena.alignment + capacity, alignment: Arena.alignment)
        unsafe chunk.storeBytes(of: state.pointee.newest, as: UnsafeMutableRawPointer?.self)
        unsafe state.pointee.newest = unsafe chunk
        unsafe state.pointee.next = unsafe chunk + Arena.alignment
        unsafe state.pointee.left = capacity
        unsafe state.pointee.taken += capacity
        unsafe state.pointee.chunks += 1
        unsafe state.pointee.chunkSize = unsafe min(state.pointee.chunkSize * 2, Arena.greatestChunk)
        return true
    }
}
