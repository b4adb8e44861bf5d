import AVSClient
import AVSModel
import AVSPrimitives
import AVSRPC
import Testing

@testable import AVSEngine
@testable import AVSServer

/// The aggregator's own statuses, so that its words and our reading of them cannot part.
@Suite("An error of the client")
struct ErrorTests {
    private func error(_ cause: any Error) -> AggregatorError { AggregatorError(RPCStatus(answering: cause)) }

    @Test(
        "says which limit is reached and how high it is",
        arguments: [
            (EngineError.quota(name: "tasks per owner", limit: 1_000), "tasks per owner", 1_000),
            (EngineError.walletLimit(5), "smart wallets per owner", 5),
        ] as [(EngineError, String, Int64)])
    func limits(cause: EngineError, name: String, value: Int64) throws {
        #expect(error(cause).limit == .init(name: name, value: value))
        #expect(error(cause).errorCode == .quotaExceeded)
    }

    @Test("says when to come back after a limit")
    func pushback() throws {
        let text = "too many calls of one caller, at most 64 are allowed"
        let count = AggregatorError(RPCStatus.tooMany(text, limit: "l", retryAfter: .seconds(2), spread: 20))
        #expect(count.limit == .init(name: "calls of one caller", value: 64, retryAfter: .milliseconds(2_001)))
        #expect(count.errorCode == .tooManyRequests)
        let rate = AggregatorError(
            RPCStatus.tooMany(
                "too many reads per caller: 7 a second are allowed, 9 at once", limit: "l", retryAfter: .zero, spread: 0
            ))
        #expect(rate.limit == .init(name: "reads per caller", value: 7, retryAfter: .milliseconds(1)))
        let size = AggregatorError(RPCStatus(.resourceExhausted, "the change is 900 bytes, at most 800 are allowed"))
        #expect(size.limit == .init(name: "bytes of one change", value: 800))
        let low = error(EngineError.spaceLow(what: "new tasks"))
        #expect(low.limit?.name == low.message && low.limit?.retryAfter != nil)
    }

    @Test(
        "names the part of the request that is wrong",
        arguments: [
            ("invalid task argument: inputVariables.settings.name is required", .missingRequiredField,
             "inputVariables.settings.name"),
            ("Missing smart_wallet_address", .missingRequiredField, "smart_wallet_address"),
            ("Missing task id in request", .missingRequiredField, "task id"),
            ("recipient address is required", .missingRequiredField, "recipient address"),
            ("at least one node is required for task simulation", .missingRequiredField, "node"),
            ("invalid: edges field cannot be an empty array", .invalidWorkflow, "edges"),
            ("Invalid task argument: node 'n1' validation failed: …", .invalidNodeConfig, "node 'n1'"),
            (
                "Invalid task argument: block trigger interval must be greater than 0, got 0", .invalidTriggerConfig,
                "trigger"
            ),
            ("Unable to decode client's signature.", .invalidSignatureFormat, "signature"),
            ("chain 5 is not configured", .invalidRequest, nil),
        ] as [(String, ErrorCode, String?)])
    func fields(message: String, code: ErrorCode, field: String?) {
        let error = error(InvalidArgument(code, message))
        #expect(error.caseName == "invalidArgument" && error.field == field)
        #expect(error.message == message && error.errorCode == code)
    }

    @Test("has a case for what a caller does next")
    func cases() {
        let table: [(any Error, String)] = [
            (EngineError.taskNotFound, "notFound"), (EngineError.notRunnable(.expired), "refused"),
            (EngineError.notApproved(.zero), "forbidden"), (EngineError.shuttingDown, "unavailable"),
            (EngineError.corrupted(what: "task"), "other"), (CancellationError(), "cancelled"),
            (RPCStatus(.unauthenticated, .expiredToken, "User authentication error: …"), "unauthenticated"),
            (RPCStatus(.deadlineExceeded), "timedOut"), (RPCStatus(.unimplemented), "other"),
        ]
        for (cause, name) in table {
            #expect(error(cause).caseName == name)
        }
    }

    @Test("keeps the number, the words and the trailers that this release does not know")
    func unknown() throws {
        var status = RPCStatus(.aborted, "a new kind of trouble")
        try status.metadata.add("x-ap-error-code", "9999")
        try status.metadata.add("x-other", "kept")
        let error = AggregatorError(status)
        #expect(error.details.errorNumber == 9_999 && error.errorCode == .unspecified)
        #expect(error.details.metadata["x-other"] == "kept")
        #expect(error.description == "ABORTED (9999): a new kind of trouble")
        #expect(error.code == .aborted)
    }

    @Test("a key for repeatable changes is 1 to 255 printable characters, and random ones differ")
    func keys() {
        #expect(IdempotencyKey("") == nil && IdempotencyKey("a b") == nil && IdempotencyKey("ä") == nil)
        #expect(IdempotencyKey(String(repeating: "k", count: 256)) == nil)
        #expect(IdempotencyKey(String(repeating: "k", count: 255)) != nil)
        let keys = (0..<100).map { _ in IdempotencyKey.random().description }
        #expect(Set(keys).count == 100 && keys.allSatisfy { $0.count == 32 })
    }
}
