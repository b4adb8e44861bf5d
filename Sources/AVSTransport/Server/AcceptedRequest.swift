import AVSRPC

/// What the header section of a request asks for, once it is found good. Nothing here changes, and nothing belongs to
/// one call: calls with the same section share one.
final class AcceptedRequest: Sendable {
    let head: CallContext.Head
    let method: RPCMethod
    /// From now to the deadline: what `grpc-timeout` says, cut to what the method allows (DL-8).
    let timeout: Duration?
    let encoding: MessageEncoding
    let responseEncoding: MessageEncoding
    /// What to compress with if the handler asks for it.
    let compression: MessageEncoding
    let answersAs: ResponseHead.ContentType

    init(_ head: RequestHead, _ method: RPCMethod, compressesResponses: Bool) {
        self.head = CallContext.Head(
            method: method.path, kind: method.kind, authority: head.authority, metadata: head.metadata)
        self.method = method
        var timeout = method.options.maximumTimeout
        if case .after(let wanted) = head.timeout { timeout = min(wanted, timeout ?? wanted) }
        self.timeout = timeout
        encoding = head.encoding
        let encodesBack = compressesResponses && head.acceptedEncodings.allows(head.encoding)
        responseEncoding = encodesBack ? head.encoding : .identity
        compression = head.acceptedEncodings.choice(after: head.encoding)
        answersAs = head.answersAs
    }
}
