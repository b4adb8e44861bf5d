/// One rpc: where it is called and what it takes and gives.
public struct ProtoMethod<Input: ProtoMessage, Output: ProtoMessage>: Sendable {
    /// `aggregator.Aggregator`
    public let service: String
    /// `GetTask`
    public let name: String
    /// `/aggregator.Aggregator/GetTask`
    public let path: String
    /// The caller sends any number of messages.
    public let clientStreaming: Bool
    /// The answer is any number of messages.
    public let serverStreaming: Bool

    init(_ service: String, _ name: String, clientStreaming: Bool = false, serverStreaming: Bool = false) {
        self.service = service
        self.name = name
        self.path = "/\(service)/\(name)"
        self.clientStreaming = clientStreaming
        self.serverStreaming = serverStreaming
    }
}

/// A ``ProtoMethod`` whose types are known at run time only, for lists of calls.
public struct AnyProtoMethod: Sendable {
    public let service: String
    public let name: String
    public let path: String
    public let input: any ProtoMessage.Type
    public let output: any ProtoMessage.Type
    public let clientStreaming: Bool
    public let serverStreaming: Bool

    public init<Input, Output>(_ method: ProtoMethod<Input, Output>) {
        service = method.service
        name = method.name
        path = method.path
        input = Input.self
        output = Output.self
        clientStreaming = method.clientStreaming
        serverStreaming = method.serverStreaming
    }
}
