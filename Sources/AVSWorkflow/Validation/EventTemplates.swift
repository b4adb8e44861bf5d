import AVSModel
import AVSPrimitives

/// Templates in the addresses and topics of event queries: replaced once, when the task is created, so that operators
/// never see a variable (aggregator-api.md 2.8, row 13).
enum EventTemplates {
    static func resolve(
        _ trigger: Trigger, inputVariables: [String: JSONValue]
    ) throws(InvalidArgument) -> Trigger {
        guard case .event(var event) = trigger.config else { return trigger }
        for index in event.queries.indices {
            let query = event.queries[index]
            for (position, text) in query.addresses.enumerated() {
                let place = "query[\(index)].addresses[\(position)]"
                guard let value = try value(of: text, inputVariables, place) else { continue }
                guard Address(value) != nil else { throw refusal(place, value, "a hex address") }
                event.queries[index].addresses[position] = value
            }
            for (position, text) in query.topics.enumerated() {
                let place = "query[\(index)].topics[\(position)]"
                guard let value = try value(of: text, inputVariables, place) else { continue }
                guard isTopic(value) else { throw refusal(place, value, "0x and hex digits") }
                event.queries[index].topics[position] = value
            }
        }
        var resolved = trigger
        resolved.config = .event(event)
        return resolved
    }

    /// Nil for a text without markers. A marker without a value is an error, never a wildcard.
    private static func value(
        of text: String, _ variables: [String: JSONValue], _ place: String
    ) throws(InvalidArgument) -> String? {
        guard Template(text).hasMarkers else { return nil }
        do throws(NodeFailure) {
            return try TemplateResolver.resolveWithoutScripts(text, in: place, variables: variables)
        } catch {
            throw InvalidArgument(
                .invalidTriggerConfig, "EventTrigger template resolution failed: \(place): \(error.message)")
        }
    }

    private static func refusal(_ place: String, _ value: String, _ wanted: String) -> InvalidArgument {
        InvalidArgument(
            .invalidTriggerConfig,
            "EventTrigger template resolution failed: \(place): '\(value.excerpt())' is not \(wanted)")
    }

    /// `0x` and 1 to 64 hex digits: 40 are an address to be padded, 64 a whole topic.
    static func isTopic(_ text: String) -> Bool {
        guard text.hasPrefix("0x") || text.hasPrefix("0X") else { return false }
        let digits = text.utf8.dropFirst(2)
        return (1...64).contains(digits.count) && digits.allSatisfy(isHexDigit)
    }

    static func isWildcard(_ text: String) -> Bool { text.isEmpty || text.utf8.elementsEqual("null".utf8) }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
