import AVSModel
public import AVSPrimitives
public import AVSSchema
import AVSStorage

/// One call that its caller gave an idempotency key.
public struct RepeatableCall: Hashable, Sendable {
    public var owner: Address
    /// Of the caller's key.
    public var identity: IdentityDigest
    /// Of the method's path and the request.
    public var requestDigest: Hash32

    public init(owner: Address, identity: IdentityDigest, requestDigest: Hash32) {
        self.owner = owner
        self.identity = identity
        self.requestDigest = requestDigest
    }

    var key: AnswerKey { AnswerKey(owner: owner, identity: identity) }
}

/// Makes a change that its caller may ask for again: the answer is recorded by the update that makes the change, so
/// there is never one without the other.
///
/// A refusal is not recorded: it changed nothing, and the next try is decided anew.
public struct Receipt<Outcome: Sendable>: Sendable {
    public let call: RepeatableCall
    let now: Timestamp
    let limits: EngineLimits
    let retention: Duration
    /// The answer's message as bytes. Pure: an update may run again.
    let answer: @Sendable (Outcome) -> [UInt8]

    init(
        call: RepeatableCall, now: Timestamp, limits: EngineLimits, retention: Duration,
        answer: @escaping @Sendable (Outcome) -> [UInt8]
    ) {
        self.call = call
        self.now = now
        self.limits = limits
        self.retention = retention
        self.answer = answer
    }
}

/// Not a failure: the call was made before, and this is what it was answered.
public struct RepeatedCall: Error, Hashable, Sendable {
    public var answer: [UInt8]

    public init(answer: [UInt8]) { self.answer = answer }
}

extension TaskEngine {
    /// A receipt for one change.
    public func receipt<Outcome: Sendable>(
        for call: RepeatableCall, answer: @escaping @Sendable (Outcome) -> [UInt8]
    ) -> Receipt<Outcome> {
        Receipt(
            call: call, now: time.now, limits: configuration.limits, retention: configuration.times.answerRetention,
            answer: answer)
    }

    /// What the call was answered before; `nil` when it is new.
    /// - Throws: ``EngineError/keyReused`` when the key was used for another call.
    public func earlierAnswer(to call: RepeatableCall) async throws -> [UInt8]? {
        let now = time.now
        let retention = configuration.times.answerRetention
        return try await store.readWithoutBlocking { try $0.answer(to: call, now: now, retention: retention) }
    }
}

extension StoreReader where Self: ~Copyable {
    fileprivate func answer(to call: RepeatableCall, now: Timestamp, retention: Duration) throws -> [UInt8]? {
        guard let earlier = try value(for: call.key), now.duration(since: earlier.recordedAt) < retention else {
            return nil
        }
        guard earlier.requestDigest == call.requestDigest else { throw EngineError.keyReused }
        return earlier.answer
    }
}

extension Transaction {
    /// Makes the change and records its answer; with no receipt, only makes the change.
    /// - Throws: ``RepeatedCall``, ``EngineError/keyReused``, ``EngineError/quota(name:limit:)``, and what `body`
    ///   throws.
    mutating func once<Outcome>(
        _ receipt: Receipt<Outcome>?, _ body: (inout Transaction) throws -> Outcome
    ) throws -> Outcome {
        try refuseRepetition(of: receipt)
        let outcome = try body(&self)
        try record(outcome, for: receipt)
        return outcome
    }

    /// The first half of ``once(_:_:)``, for changes that take more than one update.
    func refuseRepetition<Outcome>(of receipt: Receipt<Outcome>?) throws {
        guard let receipt else { return }
        if let answer = try answer(to: receipt.call, now: receipt.now, retention: receipt.retention) {
            throw RepeatedCall(answer: answer)
        }
    }

    /// The other half.
    mutating func record<Outcome>(_ outcome: Outcome, for receipt: Receipt<Outcome>?) throws {
        guard let receipt else { return }
        if try !contains(receipt.call.key) {
            let key = AnswerCountKey(receipt.call.owner)
            let count = try value(for: key)?.value ?? 0
            let limit = receipt.limits.answersPerOwner
            guard count < UInt64(limit) else {
                throw EngineError.quota(name: "idempotency keys per owner and day", limit: limit)
            }
            try put(key, DecimalText(count + 1))
        }
        let answer = receipt.answer(outcome)
        // An answer beyond it is not worth keeping; no answer to a change comes near it.
        guard answer.count <= Receipt<Outcome>.answerBytesMax else {
            throw StorageError.tooLarge(bytes: answer.count, limit: Receipt<Outcome>.answerBytesMax)
        }
        try put(
            receipt.call.key,
            RecordedAnswer(requestDigest: receipt.call.requestDigest, answer: answer, recordedAt: receipt.now))
    }
}

extension Receipt {
    fileprivate static var answerBytesMax: Int { 64 << 10 }
}
