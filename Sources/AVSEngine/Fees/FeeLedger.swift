import AVSEthereum
public import AVSPrimitives
public import AVSSchema
public import AVSStorage
import BigInt

/// What owners owe for the value that their workflows moved.
///
/// Version 1 reads it and does not write it by itself: what a run's transactions were worth is not known
/// (execution-engine 8.3). Whoever finds it out records it here; from then on the credit limit holds the owner's runs.
public struct FeeLedger: Sendable {
    private let store: any KeyValueStore

    public init(store: any KeyValueStore) { self.store = store }

    /// Adds what an execution owes to its owner's account; a second record of the same execution changes nothing.
    ///
    /// - Returns: the account as it is afterwards.
    @discardableResult
    public func add(_ record: FeeRecord) async throws -> FeeAccount {
        try await store.update { transaction in
            let (accountKey, key) = (
                FeeAccountKey(record.owner), FeeRecordKey(owner: record.owner, execution: record.executionID)
            )
            var account = try transaction.value(for: accountKey) ?? FeeAccount()
            guard try !transaction.contains(key) else { return account }
            account.outstanding = account.outstanding.adding(record.fee)
            account.accrued = account.accrued.adding(record.fee)
            account.records += 1
            account.updatedAt = max(account.updatedAt, record.recordedAt)
            try transaction.put(key, record)
            try transaction.put(accountKey, account)
            return account
        }
    }

    /// What the owner owes; nothing where nothing was recorded.
    public func account(of owner: Address) async throws -> FeeAccount {
        try await store.readWithoutBlocking { try $0.value(for: FeeAccountKey(owner)) } ?? FeeAccount()
    }
}

extension UInt256 {
    /// Capped at the largest word.
    fileprivate func adding(_ other: UInt256) -> UInt256 { UInt256(magnitude + other.magnitude) ?? .max }
}
