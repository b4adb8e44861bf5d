import AVSEthereum
import AVSPrimitives
import FuzzInputs

/// Logs of contracts, decoded by an ABI: what is decoded can be encoded and is decoded again, and is no larger than the
/// data allows.
///
///     | which event: 1 byte | topics behind the first one: 32 bytes each | data |
struct EventLogTarget: Target {
    static let name = "event-logs"
    static let share = 120

    private static let abi = #"""
        [{"type": "event", "name": "Transfer", "inputs": [{"name": "from", "type": "address", "indexed": true},
            {"name": "to", "type": "address", "indexed": true}, {"name": "value", "type": "uint256"}]},
         {"type": "event", "name": "Small", "inputs": [{"name": "a", "type": "int8", "indexed": true}, {"name": "b", "type": "bool"},
            {"name": "c", "type": "uint64"}, {"name": "d", "type": "bytes4"}, {"name": "", "type": "function"}]},
         {"type": "event", "name": "Texts", "inputs": [{"name": "s", "type": "string", "indexed": true}, {"name": "t", "type": "string"},
            {"name": "b", "type": "bytes"}]},
         {"type": "event", "name": "Lists", "inputs": [{"name": "l", "type": "uint8[]"}, {"name": "m", "type": "string[]"},
            {"name": "f", "type": "int256[2][]"}]},
         {"type": "event", "name": "Deep", "inputs": [{"name": "x", "type": "uint256[][][]"}, {"name": "y", "type": "bytes[2][3]"}]},
         {"type": "event", "name": "Tuples", "inputs": [{"name": "p", "type": "tuple[]", "components": [{"name": "k", "type": "string"},
            {"name": "v", "type": "tuple", "components": [{"name": "a", "type": "address"}, {"name": "w", "type": "int128[]"}]}]}]},
         {"type": "event", "name": "Nobody", "anonymous": true, "inputs": [{"name": "v", "type": "bytes32", "indexed": true},
            {"name": "r", "type": "bool[]"}]}]
        """#

    private let events: [ABIEvent]

    init() throws {
        events = try ABIContract(entries: JSONValue(parsing: Self.abi).arrayValue ?? []).events
        guard events.count == 7 else { throw Finding("\(events.count) events") }
    }

    /// Words such as offsets, lengths and edges of types, or changes that know nothing.
    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        guard !random.oneIn(3) else { return Mutation.changed(seed, splicing: other, &random) }
        var input = random.oneIn(2) ? Array(seed.prefix(1)) : seed
        for _ in 0...random.below(12) { input += word(&random) }
        return input
    }

    private func word(_ random: inout Generator) -> [UInt8] {
        switch random.below(8) {
        case 0: return random.bytes(32)
        case 1: return [UInt8](repeating: 0xff, count: 32)
        case 2: return [UInt8](repeating: 0, count: 24) + random.bytes(8)
        case 3: return [UInt8](repeating: 0, count: 12) + random.bytes(20)
        case 4: return Array("text".utf8) + [UInt8](repeating: 0, count: 28)
        default: return [UInt8](repeating: 0, count: 31) + [[0x20, 0x40, 0x60, 0x80, 0xa0, 0, 1, 2, 3, 4, 33][random.below(11)]]
        }
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        let event = events[Int(input.first ?? 0) % events.count]
        let indexed = input.dropFirst().prefix(32 * event.indexedCount)
        var topics = event.isAnonymous ? [] : [event.topic0]
        for start in stride(from: indexed.startIndex, to: indexed.endIndex, by: 32) {
            guard let topic = Hash32(bytes: indexed[start..<min(start + 32, indexed.endIndex)]) else { return }
            topics.append(topic)
        }
        let data = Array(input.dropFirst(1 + indexed.count))
        let log = EventLog(address: .zero, topics: topics, data: data)
        guard let decoded = decode(log, event) else { return }
        try check(decoded, of: log, event)
    }

    private func check(_ decoded: DecodedEvent, of log: EventLog, _ event: ABIEvent) throws(Finding) {
        let plain = zip(event.inputs, decoded.fields).filter { !$0.0.isIndexed }
        let values = plain.compactMap(\.1.value)
        let size = values.reduce(0) { $0 + count($1) }
        guard values.count == plain.count, size <= log.data.count * 8 / 32 + values.count else {
            throw Finding("\(size) values out of \(log.data.count) bytes")
        }
        var again = log
        do throws(ABIError) {
            again.data = try ABI.encode(values, as: plain.map(\.0.type))
        } catch {
            throw Finding("decoded, but not encoded: \(error)")
        }
        guard decode(again, event) == decoded else { throw Finding("encoded and decoded again it is another event") }
        guard let members = decoded.arguments.objectValue, members.count == event.inputs.count else {
            throw Finding("arguments are missing in \(decoded.json.serialized)")
        }
    }

    private func decode(_ log: EventLog, _ event: ABIEvent) -> DecodedEvent? {
        do throws(ABIError) { return try event.decode(log) } catch { return nil }
    }

    private func count(_ value: ABIValue) -> Int {
        switch value {
        case .array(let values), .tuple(let values): values.reduce(1) { $0 + count($1) }
        default: 1
        }
    }
}
