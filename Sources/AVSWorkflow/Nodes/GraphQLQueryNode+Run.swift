import AVSModel
import AVSPrimitives

/// The GraphQL node: one query by POST; its output is the answer's `data`.
///
/// - Source: execution-engine.md 5.4.
extension GraphQLQueryNode {
    /// Where the server's own key `thegraph_api_key` goes along.
    private static let keyedHost = "gateway.thegraph.com"
    private static let keyName = "thegraph_api_key"

    func run(in context: NodeContext, log: inout [String]) async throws(NodeFailure) -> NodeOutcome {
        let request = try await request(in: context)
        log.append("Query: POST \(request.url)")
        let response: HTTPResponse
        do {
            response = try await context.environment.http.send(request.wire)
        } catch {
            throw NodeFailure(
                "graphql: network error: \("\(error)".excerpt(200))", reason: NodeRetry.Reason(transport: error))
        }
        log.append("Response: \(response.status), \(response.body.count) bytes")
        guard (200..<300).contains(response.status) else {
            throw NodeFailure(
                "graphql: server returned a non-200 status code: \(response.status)",
                reason: NodeRetry.Reason(httpStatus: response.status))
        }
        guard let answer = response.json, case .object(let members) = answer else {
            throw NodeFailure("graphql: the server's answer is not a JSON object")
        }
        if let errors = members["errors"]?.arrayValue, let first = errors.first {
            let message = first["message"]?.stringValue ?? first.serialized
            throw NodeFailure("graphql: \(message.excerpt(500))")
        }
        return NodeOutcome(output: members["data"] ?? .null)
    }

    /// The request, and its URL as the task's owner wrote it, templates resolved.
    private func request(in context: NodeContext) async throws(NodeFailure) -> (wire: HTTPRequest, url: String) {
        guard !url.isEmpty, !query.isEmpty else {
            throw NodeFailure(code: .missingRequiredField, "url and query is required")
        }
        let url = try await resolve(url, in: "url", context.templates)
        let query = try await resolve(query, in: "query", context.templates)
        var values: [String: JSONValue] = [:]
        for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
            values[name] = .string(try await resolve(value, in: "variable '\(name.excerpt())'", context.templates))
        }
        var headers = [
            HTTPRequest.Header("Content-Type", "application/json; charset=utf-8"),
            HTTPRequest.Header("Accept", "application/json; charset=utf-8"),
        ]
        let wireURL = try HTTPRequest.url(url)
        if Self.isKeyed(wireURL), let key = context.environment.services.secrets[Self.keyName], !key.isEmpty {
            headers.append(HTTPRequest.Header("Authorization", "Bearer \(key)"))
        }
        let body: JSONValue = ["query": .string(query), "variables": .object(values)]
        return (HTTPRequest(method: .post, url: wireURL, headers: headers, body: body.serializedBytes), url)
    }

    /// Each text is held to the limit of templates, also one without markers.
    private func resolve(
        _ text: String, in field: String, _ templates: TemplateResolver
    ) async throws(NodeFailure) -> String {
        guard text.utf8.count <= TemplateResolver.sizeLimitBytes else {
            throw .tooLarge(
                "GraphQL \(field)", field: field, size: text.utf8.count, limit: TemplateResolver.sizeLimitBytes)
        }
        return try await templates.resolve(text, in: field)
    }

    /// Whether the URL's host is the one that gets our key: by its authority, without a user, and over TLS only.
    private static func isKeyed(_ url: String) -> Bool {
        guard url.prefix(8).lowercased() == "https://" else { return false }
        let authority = url.dropFirst(8).prefix { !"/?#".contains($0) }.lowercased()
        return authority == keyedHost || authority == "\(keyedHost):443"
    }
}
