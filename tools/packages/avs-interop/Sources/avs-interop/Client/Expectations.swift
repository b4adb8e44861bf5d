import AVSRPC

/// Something else happened than the case wants.
struct CaseFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The case cannot be run here, and why.
struct CaseSkipped: Error {
    let reason: String
}

func expect<Value: Equatable>(_ value: Value, _ wanted: Value, _ what: String) throws {
    guard value != wanted else { return }
    throw CaseFailure("\(what): wanted \(wanted), got \(value)")
}

/// Runs what must fail with a status of one code, and returns that.
@discardableResult
func expectStatus(_ code: RPCCode, _ what: String, _ body: () async throws -> Void) async throws -> RPCStatus {
    do {
        try await body()
    } catch let status as RPCStatus {
        guard status.code == code else { throw CaseFailure("\(what): wanted \(code), got \(status)") }
        return status
    }
    throw CaseFailure("\(what): wanted \(code), got OK")
}
