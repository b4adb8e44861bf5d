import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import Testing

@testable import AVSEngine

@Suite("What an owner owes")
struct FeeTests {
    private func record(_ number: UInt64, fee: UInt64, owner: Address = Harness.owner) -> FeeRecord {
        FeeRecord(
            executionID: ExecutionID(ULID(value: UInt128(number))), taskID: TaskID(ULID(value: 1)), owner: owner,
            share: ValueFee(tier: .first, percentage: "0.03"), value: UInt256(fee), fee: UInt256(fee),
            recordedAt: Timestamp(milliseconds: Int64(number)), chainID: 31_337)
    }

    private func owe(_ wei: UInt64, _ harness: Harness) async throws {
        try await FeeLedger(store: harness.store).add(record(1, fee: wei))
    }

    private func run(_ harness: Harness) async throws -> Execution {
        try await harness.working { harness in
            let id = try await harness.createTask(.manual(ManualTrigger()))
            let request = TriggerRequest(taskID: id, owner: Harness.owner, isBlocking: true)
            return try #require(try await harness.engine.trigger(request).execution)
        }
    }

    @Test("EE-X7, 5.3: is the sum of its executions' records; recording one twice changes nothing")
    func recordedTwice() async throws {
        let harness = Harness()
        let ledger = FeeLedger(store: harness.store)
        for entry in [record(1, fee: 5), record(2, fee: 7), record(1, fee: 5), record(1, fee: 99)] {
            try await ledger.add(entry)
        }
        let account = try await ledger.account(of: Harness.owner)
        let sum = UInt256(12 as UInt64)
        #expect(
            account == FeeAccount(outstanding: sum, accrued: sum, records: 2, updatedAt: Timestamp(milliseconds: 2)))
        let key = FeeRecordKey(owner: Harness.owner, execution: record(1, fee: 5).executionID)
        #expect(try harness.store.read { try $0.value(for: key) } == record(1, fee: 5), "the first one stays")
        #expect(try await ledger.account(of: Harness.stranger) == FeeAccount())
        #expect(try harness.findings() == [])
    }

    @Test("EE-X7: of one wei above no credit at all fails the run, with a record without steps")
    func noCredit() async throws {
        let harness = Harness()
        try await owe(1, harness)
        let execution = try await run(harness)
        #expect(execution.status == .failed && execution.steps.isEmpty && harness.runner.started.isEmpty)
        #expect(execution.error == "[INSUFFICIENT_CREDIT] outstanding value fees (1 wei) exceed credit limit")
    }

    /// A dollar is 4 × 10¹⁴ wei at 2,500 dollars for a coin.
    @Test(
        "EE-X7, 8.3: within the limit lets runs go on",
        arguments: [(400_000_000_000_000, .success), (400_000_000_000_001, .failed)] as [(UInt64, ExecutionStatus)])
    func limit(owed: UInt64, expected: ExecutionStatus) async throws {
        let harness = Harness { $0.fees.creditLimit = Dollars(millionths: 1_000_000) }
        try await owe(owed, harness)
        #expect(try await run(harness).status == expected)
    }

    @Test("8.3: is not asked for where the price of the coin is not known")
    func withoutPrice() async throws {
        let harness = Harness { $0.fees.coinPrice = Dollars(millionths: 0) }
        try await owe(1, harness)
        #expect(try await run(harness).status == .success)
    }

    @Test("8.3: in wei is rounded down", arguments: [
        (20_000, 2_500_000_000, "8000000000000"), (1, 3_000_000, "333333333333"), (0, 1, "0"),
        (.max, 1, "18446744073709551615000000000000000000"), (1, .max, "0"),
    ] as [(UInt64, UInt64, String)])
    func wei(dollars: UInt64, price: UInt64, expected: String) {
        var rates = FeeRates()
        rates.coinPrice = Dollars(millionths: price)
        #expect(rates.wei(Dollars(millionths: dollars))?.description == expected)
    }

    @Test("a record and an account survive being stored; what is neither is refused")
    func stored() throws {
        let record = record(9, fee: .max)
        #expect(try FeeRecord(stored: record.stored) == record)
        let account = FeeAccount(outstanding: .max, accrued: .max, records: 3, updatedAt: Timestamp(milliseconds: 5))
        #expect(try FeeAccount(stored: account.stored) == account)
        #expect(String(decoding: account.stored, as: UTF8.self).contains(#""record_count":3"#))
        for text in ["", "{}", "[]", #"{"outstanding_wei":1}"#] {
            #expect(throws: (any Error).self) { try FeeAccount(stored: Array(text.utf8)) }
            #expect(throws: (any Error).self) { try FeeRecord(stored: Array(text.utf8)) }
        }
    }
}
