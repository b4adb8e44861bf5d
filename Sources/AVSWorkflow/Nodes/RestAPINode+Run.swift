import AVSModel
import AVSPrimitives

/// The REST API node: one HTTP request, its answer as an envelope.
///
/// - Source: execution-engine.md 5.5.1, 5.5.2. Variables named `url`, `method`, `body` or `headers` do not replace the
///   configuration (Q8), but in a run of the node for itself: ``NodeTrial``.
extension RestAPINode {
    static let bodyLimitBytes = 10_485_760
    /// Deeper JSON in a request's body is refused.
    static let requestDepth = 128

    func run(as node: Node, in context: NodeContext, log: inout [String]) async throws(NodeFailure) -> NodeOutcome {
        var request = try await request(in: context)
        log.append("Request: \(request.wire.method.rawValue) \(request.url)")
        if !idempotencyHeader.isEmpty {
            let key = HTTPRequest.Header(idempotencyHeader, context.effectKey(of: node))
            try request.wire.add(key: key)
            log.append("\(key.name): \(key.value)")
        }
        let response: HTTPResponse
        do {
            response = try await context.environment.http.send(request.wire)
        } catch {
            var failure = Self.connectionFailure("\(error)".excerpt(200))
            failure.reason = NodeRetry.Reason(transport: error)
            throw failure
        }
        let text = HTTPStatusText.text(of: response.status)
        log.append("Response: \(response.status) \(text), \(response.body.count) bytes")
        var envelope = Self.envelope(response, url: request.url)
        if let summary = request.summary, response.body.isEmpty {
            envelope["data"] = ["subject": .string(summary.subject), "body": .string(summary.body)]
        }
        return NodeOutcome(
            output: .object(envelope),
            failure: response.status >= 400
                ? .invalidRequest(
                    "HTTP \(response.status): \(text)", reason: NodeRetry.Reason(httpStatus: response.status)) : nil)
    }

    private static func connectionFailure(_ reason: String) -> NodeFailure {
        NodeFailure("HTTP request failed: connection error or timeout - \(reason)")
    }

    // MARK: Request

    private struct Request {
        var wire: HTTPRequest
        /// As the task's owner wrote it, templates resolved.
        var url: String
        /// What was put into the body, of a notification.
        var summary: RunSummary?
    }

    private func request(in context: NodeContext) async throws(NodeFailure) -> Request {
        let templates = context.templates
        guard !url.isEmpty else { throw .missing("url") }
        let url = try await templates.resolve(url, in: "url")
        let headers = try await resolvedHeaders(templates)
        var body = try await resolvedBody(templates, isJSON: Self.announceJSON(headers))
        let summary = summarize(&body, url: url, in: context)
        let spelling = method.isEmpty ? "GET" : method.uppercased()
        guard let method = HTTPRequest.Method(rawValue: spelling) else {
            throw Self.connectionFailure("unsupported HTTP method: \(method.excerpt())")
        }
        let wire = HTTPRequest(
            method: method, url: try HTTPRequest.url(url), headers: headers,
            body: method.carriesBody ? Array(body.utf8) : [])
        return Request(wire: wire, url: url, summary: summary)
    }

    /// Puts a summary of the run into a notification's body.
    ///
    /// - Returns: Nil if the request is none, or its body is no JSON object.
    private func summarize(_ body: inout String, url: String, in context: NodeContext) -> RunSummary? {
        guard options?["summarize"] == true, let report = context.report, let notification = Notification(url: url)
        else { return nil }
        let summary = RunSummary(report, variables: context.variables)
        let template = context.environment.services.secrets[Notification.templateName]
        guard let filled = notification.body(body, summary, template: template) else { return nil }
        body = filled
        return summary
    }

    private func resolvedHeaders(_ templates: TemplateResolver) async throws(NodeFailure) -> [HTTPRequest.Header] {
        var resolved: [HTTPRequest.Header] = []
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            let header = HTTPRequest.Header(
                try await templates.resolve(name, in: "header key"),
                try await templates.resolve(value, in: "header value"))
            guard Self.isHeaderName(header.name) else {
                throw NodeFailure(
                    code: .invalidNodeConfig, "header key '\(header.name.excerpt())' is not a header name")
            }
            // A line break in a value would begin another header.
            guard !header.value.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) else {
                throw NodeFailure(
                    code: .invalidNodeConfig, "value of header '\(header.name.excerpt())' contains a line break or NUL")
            }
            resolved.append(header)
        }
        return resolved
    }

    private func resolvedBody(_ templates: TemplateResolver, isJSON: Bool) async throws(NodeFailure) -> String {
        guard body.utf8.count <= Self.bodyLimitBytes else {
            throw .tooLarge(
                "REST API request body", field: "body", size: body.utf8.count, limit: Self.bodyLimitBytes)
        }
        guard isJSON, !body.isEmpty else { return try await templates.resolve(body, in: "body") }
        // A body is good if it is JSON before or after substitution (Q7): before, its markers stand inside strings.
        let hasMarkers = Template(body).hasMarkers
        let mistake = Self.mistake(in: body)
        if let mistake, !hasMarkers { throw Self.invalidJSON(mistake) }
        let resolved = try await templates.resolve(body, in: "body", style: .json)
        if mistake != nil, let mistake = Self.mistake(in: resolved) { throw Self.invalidJSON(mistake) }
        return resolved
    }

    private static func mistake(in body: String) -> JSONError? {
        do throws(JSONError) {
            _ = try JSONValue(parsing: body.utf8, maximumDepth: requestDepth, duplicateKeys: .last)
            return nil
        } catch {
            return error
        }
    }

    private static func invalidJSON(_ error: JSONError) -> NodeFailure {
        NodeFailure(
            code: .invalidNodeConfig, "REST API request body contains invalid JSON: \(error)",
            details: ["field": "body", "issue": "invalid JSON"])
    }

    /// `application/json`, `text/json`, `…+json…`, `…/json`.
    private static func announceJSON(_ headers: [HTTPRequest.Header]) -> Bool {
        headers.contains { header in
            guard header.name.lowercased() == "content-type" else { return false }
            let type = header.value.lowercased().prefix { $0 != ";" }
            return type.contains("+json") || String(type).trimmingBlanks().hasSuffix("/json")
        }
    }

    // MARK: Response

    private static func envelope(_ response: HTTPResponse, url: String) -> [String: JSONValue] {
        var headers: [String: [JSONValue]] = [:]
        for header in response.headers { headers[canonical(header.name), default: []].append(.string(header.value)) }
        return [
            "status": .number(Double(response.status)), "statusText": .string(HTTPStatusText.text(of: response.status)),
            "url": .string(url), "headers": .object(headers.mapValues { $0.count == 1 ? $0[0] : .array($0) }),
            "data": response.value,
        ]
    }

    /// `content-type` becomes `Content-Type`.
    private static func canonical(_ name: String) -> String {
        name.split(separator: "-", omittingEmptySubsequences: false)
            .map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }.joined(separator: "-")
    }
}

extension HTTPRequest {
    /// Adds the header by which the other side recognises a repeated request.
    ///
    /// - Throws: ``NodeFailure`` where a template came out as a header of that name, or what is to be one is none: two
    ///   keys would be no key.
    fileprivate mutating func add(key: Header) throws(NodeFailure) {
        guard RestAPINode.isHeaderName(key.name) else {
            throw NodeFailure(
                code: .invalidNodeConfig, "idempotency header '\(key.name.excerpt())' is not a header name")
        }
        guard !headers.contains(where: { $0.name.lowercased() == key.name.lowercased() }) else {
            throw NodeFailure(
                code: .invalidNodeConfig,
                "idempotency header '\(key.name.excerpt())' is one of the headers, too: the service chooses its value")
        }
        headers.append(key)
    }
}
