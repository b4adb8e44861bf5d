import AVSPrimitives

/// What the aggregator asks of a script worker: some scripts, and the variables that they see.
///
/// As a frame's body:
///
///     | length of the header: 4 bytes, big-endian | header: JSON | variables: JSON object |
///
/// The variables stay text: JavaScript's own parser reads them, and checks them (JS-5).
public struct ScriptRequest: Hashable, Sendable {
    public enum Work: Hashable, Sendable {
        /// Each in a context of its own.
        case expressions([String])
        /// Custom code: the value of a script's last statement, or what a function's body returns.
        case program(source: String, isBody: Bool)
        /// A function's body, the names of its parameters, and a JSON array of lists of arguments.
        case calls(body: String, parameters: [String], lists: [UInt8])
    }

    public var work: Work
    /// JSON text of an object: name to value.
    public var variables: [UInt8]
    public var timeLimitMilliseconds: Int

    public init(_ work: Work, variables: [UInt8], timeLimitMilliseconds: Int) {
        self.work = work
        self.variables = variables
        self.timeLimitMilliseconds = timeLimitMilliseconds
    }

    /// JS-4: of each source, and of the variables.
    public static let sourceLimitBytes = 102_400
    public static let inputLimitBytes = 4_194_304

    // MARK: Bytes

    public var body: [UInt8] {
        var header: [String: JSONValue] = ["limit": .number(Double(timeLimitMilliseconds))]
        var rest = variables
        switch work {
        case .expressions(let sources):
            header["kind"] = "expressions"
            header["sources"] = .array(sources.map(JSONValue.string))
        case .program(let source, let isBody):
            header["kind"] = isBody ? "body" : "script"
            header["sources"] = [.string(source)]
        case .calls(let body, let parameters, let lists):
            header["kind"] = "call"
            header["sources"] = [.string(body)]
            header["parameters"] = .array(parameters.map(JSONValue.string))
            header["variables"] = .number(Double(variables.count))
            rest += lists
        }
        let text = JSONValue.object(header).serializedBytes
        return ScriptFrame.bigEndian(UInt32(clamping: text.count)) + text + rest
    }

    /// - Throws: ``ScriptFrameError`` for anything that ``body`` does not make.
    public init(body: [UInt8]) throws(ScriptFrameError) {
        guard let length = ScriptFrame.length(body.prefix(4)), length <= body.count - 4 else {
            throw ScriptFrameError("the header of a request is longer than the request")
        }
        let header = try ScriptFrame.parse(body[4..<(4 + length)], depth: 4)
        let rest = body[(4 + length)...]
        guard let limit = header["limit"]?.doubleValue, (1...600_000).contains(limit),
            let kind = header["kind"]?.stringValue,
            let sources = header["sources"]?.arrayValue?.compactMap(\.stringValue)
        else { throw ScriptFrameError("the header of a request lacks a member") }
        timeLimitMilliseconds = Int(limit)
        variables = Array(rest)
        switch (kind, sources.first) {
        case ("expressions", _): work = .expressions(sources)
        case ("script", let source?): work = .program(source: source, isBody: false)
        case ("body", let source?): work = .program(source: source, isBody: true)
        case ("call", let source?):
            guard let parameters = header["parameters"]?.arrayValue?.compactMap(\.stringValue),
                let count = header["variables"]?.doubleValue.flatMap(Int.init(exactly:)),
                (0...rest.count).contains(count)
            else { throw ScriptFrameError("the header of a call lacks a member") }
            variables = Array(rest.prefix(count))
            work = .calls(body: source, parameters: parameters, lists: Array(rest.dropFirst(count)))
        default: throw ScriptFrameError("a request asks for an unknown kind of work")
        }
    }
}
