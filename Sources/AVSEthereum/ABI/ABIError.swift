/// What is wrong with an ABI, with values to be encoded by it, or with bytes to be decoded by it.
///
/// The texts are those of the execution engine's specification, sections 5.3.1 and 7.9.
public enum ABIError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A type text that the ABI does not have, or one beyond our bounds on depth and size.
    case unsupportedType(String)
    /// An entry of the contract's JSON that cannot be read; `index` counts entries from 0.
    case malformedEntry(index: Int, reason: String)
    case unknownMethod(String)
    case parameterCount(method: String, expected: Int, got: Int)
    /// A struct given as JSON object lacks a component.
    case missingField(String, method: String)
    /// A value that does not suit its parameter. `name` is the parameter's, `type` its canonical type.
    case invalidParameter(name: String, type: String, reason: String)
    /// The encoded bytes end before what they announce.
    case dataEndsEarly(wanted: Int, had: Int)
    /// An offset or length that points outside the bytes.
    case pointsOutside(offset: String, size: Int)
    /// A word that is no value of its type, such as a bool of 2.
    case valueOutOfRange(type: String)
    /// Parts of the bytes are used so often, through overlapping offsets, that the result would outgrow them.
    case overlaps
    /// A log whose topics do not fit the event.
    case topicMismatch(event: String, expected: Int, got: Int)

    public var description: String {
        switch self {
        case .unsupportedType(let type): "unsupported ABI type '\(type.prefix(100))'"
        case .malformedEntry(let index, let reason): "failed to parse ABI: entry \(index): \(reason)"
        case .unknownMethod(let method): "method '\(method)' not found in contract ABI"
        case .parameterCount(let method, let expected, let got):
            "method '\(method)' expects \(expected) parameters, got \(got)"
        case .missingField(let field, let method):
            "missing required field '\(field)' in struct parameter for method '\(method)'"
        case .invalidParameter(let name, let type, let reason): "failed to parse \(name) (\(type)): \(reason)"
        case .dataEndsEarly(let wanted, let had): "encoded data ends early: wanted \(wanted) bytes, had \(had)"
        case .pointsOutside(let offset, let size): "offset or length \(offset) is outside the \(size) encoded bytes"
        case .valueOutOfRange(let type): "encoded word is no value of type \(type)"
        case .overlaps: "encoded data refers to the same bytes too often"
        case .topicMismatch(let event, let expected, let got):
            "event '\(event)' has \(expected) topics, the log has \(got)"
        }
    }
}
