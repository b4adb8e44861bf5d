/// Keccak-256 as Ethereum uses it: rate 136 bytes, padding byte 0x01 (not SHA-3's 0x06), 32 bytes out.
///
/// Our own code because no library we link has it (SIG-10). The state is 25 lanes of 64 bits on the stack; nothing
/// is allocated.
///
/// - Source: *The Keccak reference*, version 3.0; FIPS 202 for the permutation.
public enum Keccak256 {
    public static func hash(_ bytes: some Sequence<UInt8>) -> Hash32 {
        var sponge = Sponge()
        let contiguous: Void? = bytes.withContiguousStorageIfAvailable { buffer in
            for byte in buffer { sponge.absorb(byte) }
        }
        if contiguous == nil { for byte in bytes { sponge.absorb(byte) } }
        return sponge.squeeze()
    }

    /// Bytes taken in per permutation: 200 bytes of state less twice the 32 bytes of output.
    private static let rate = 136

    private struct Sponge {
        private var lanes = [25 of UInt64](repeating: 0)
        private var position = 0

        /// Bytes gather in `pending` and enter the state one lane at a time.
        private var pending: UInt64 = 0

        mutating func absorb(_ byte: UInt8) {
            pending |= UInt64(byte) << UInt64(position & 7 * 8)
            position += 1
            if position & 7 == 0 {
                lanes[position / 8 - 1] ^= pending
                pending = 0
                if position == rate {
                    Keccak256.permute(&lanes)
                    position = 0
                }
            }
        }

        mutating func squeeze() -> Hash32 {
            pending |= 1 << UInt64(position & 7 * 8)
            lanes[position / 8] ^= pending
            lanes[rate / 8 - 1] ^= 1 << 63
            Keccak256.permute(&lanes)
            return Hash32(
                high: UInt128(lanes[0].byteSwapped) << 64 | UInt128(lanes[1].byteSwapped),
                low: UInt128(lanes[2].byteSwapped) << 64 | UInt128(lanes[3].byteSwapped)
            )
        }
    }

    private static let roundConstants: [24 of UInt64] = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a, 0x8000_0000_8000_8000,
        0x0000_0000_0000_808b, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
        0x0000_0000_0000_008a, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
        0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
        0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800a, 0x8000_0000_8000_000a,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]

    /// The walk of π through the lanes from lane 1, and ρ's rotation of each lane on the way.
    private static let piLane: [24 of Int] = [
        10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
    ]
    private static let rhoBits: [24 of UInt64] = [
        1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
    ]

    private static func permute(_ state: inout [25 of UInt64]) {
        // Local copies: reading a static goes through its once-guard each time.
        let constants = roundConstants
        let lane = piLane
        let bits = rhoBits
        for round in 0..<24 {
            theta(&state)
            var moving = state[1]
            for step in 0..<24 {
                let next = state[lane[step]]
                state[lane[step]] = rotate(moving, bits[step])
                moving = next
            }
            chi(&state)
            state[0] ^= constants[round]
        }
    }

    @inline(__always)
    private static func theta(_ state: inout [25 of UInt64]) {
        var parity = [5 of UInt64](repeating: 0)
        for x in 0..<5 { parity[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] }
        for x in 0..<5 {
            let mix = parity[(x + 4) % 5] ^ rotate(parity[(x + 1) % 5], 1)
            for row in 0..<5 { state[x + 5 * row] ^= mix }
        }
    }

    @inline(__always)
    private static func chi(_ state: inout [25 of UInt64]) {
        for row in 0..<5 {
            let start = 5 * row
            let (a, b, c, d, e) = (state[start], state[start + 1], state[start + 2], state[start + 3], state[start + 4])
            state[start] = a ^ (~b & c)
            state[start + 1] = b ^ (~c & d)
            state[start + 2] = c ^ (~d & e)
            state[start + 3] = d ^ (~e & a)
            state[start + 4] = e ^ (~a & b)
        }
    }

    @inline(__always)
    private static func rotate(_ lane: UInt64, _ bits: UInt64) -> UInt64 {
        lane << bits | lane >> (64 - bits)
    }
}
