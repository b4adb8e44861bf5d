import AVSClient
import AVSModel
import AVSPrimitives
import AVSProto
import AVSWire

/// What an aggregator answered, as lines. `--json` changes only the format: each result is one object on one line, with
/// the names of the protobuf messages.
struct AnswerPrinter {
    var isJSON: Bool

    /// One thing: a line per fact, or one object.
    func facts(_ facts: [(name: String, value: String)], _ json: @autoclosure () -> JSONValue) -> [String] {
        if isJSON { return [json().serialized] }
        let width = facts.map(\.name.count).max() ?? 0
        return facts.map { $0.name + String(repeating: " ", count: width - $0.name.count + 2) + $0.value }
    }

    /// A text without what would end its line, or steer a terminal.
    static func plain(_ text: String) -> String {
        String(text.map { $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? " " : $0 })
    }

    static func text(_ number: some BinaryInteger) -> JSONValue { .string("\(number)") }

    // MARK: Session

    func session(_ session: Session, server: String) -> [String] {
        facts(
            [
                ("owner", session.owner.checksummed), ("server", server), ("chain", "\(session.chainID)"),
                ("until", session.expiresAt.iso8601),
            ],
            [
                "owner": .string(session.owner.checksummed), "server": .string(server),
                "chainId": Self.text(session.chainID), "expiresAt": .string(session.expiresAt.iso8601),
            ])
    }
}
