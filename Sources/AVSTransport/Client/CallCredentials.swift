public import AVSRPC

/// What shows who makes a call: metadata that is fetched for each call (CH-7).
///
///     var options = CallOptions()
///     options.credentials = CallCredentials { _ in
///         var metadata = Metadata()
///         try metadata.add("authorization", "Bearer \(await tokens.current())")
///         return metadata
///     }
public struct CallCredentials: Sendable {
    private let allowsPlaintext: Bool
    private let fetch: @Sendable (MethodPath) async throws -> Metadata

    /// - Parameters:
    ///   - allowsPlaintext: send them without TLS as well, where everybody on the way can read them.
    ///   - fetch: called before each call is sent; the call's timeout is running. Throws UNAVAILABLE if trying again
    ///     may help. A code that is an application's is INTERNAL for the call, lest it be taken for the server's answer
    ///     (STA-1, gRFC A54); anything else that is thrown is UNAUTHENTICATED.
    public init(allowsPlaintext: Bool = false, _ fetch: @escaping @Sendable (MethodPath) async throws -> Metadata) {
        self.allowsPlaintext = allowsPlaintext
        self.fetch = fetch
    }

    func metadata(for method: MethodPath, isSecure: Bool) async throws -> Metadata {
        guard isSecure || allowsPlaintext else {
            throw RPCStatus(.unauthenticated, "credentials are not sent without TLS")
        }
        do {
            return try await fetch(method)
        } catch let error as CancellationError {
            throw error
        } catch let status as RPCStatus where status.code == .unavailable || status.code == .unauthenticated {
            throw status
        } catch let status as RPCStatus where status.code.belongsToApplications {
            throw RPCStatus(.internal, "there are no credentials for the call: \(status)")
        } catch {
            throw RPCStatus(.unauthenticated, "there are no credentials for the call: \(error)")
        }
    }
}
