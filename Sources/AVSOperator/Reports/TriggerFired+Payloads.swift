public import AVSModel
public import AVSPrimitives

// What each kind of trigger reports, and under which id (6.7, 6.8).
extension TriggerFired {
    /// A cron tick or a fixed time.
    ///
    /// The id carries the scheduled instant and not the clock at firing, so that all operators name a tick alike.
    public static func time(
        _ taskID: TaskID, kind: TriggerKind, at instant: Timestamp, reporter: Address
    ) -> TriggerFired {
        let data: JSONValue = [
            "timestamp": .number(Double(instant.milliseconds)), "timestampIso": .string(instant.iso8601),
        ]
        return TriggerFired(
            taskID: taskID, reporter: reporter, output: TriggerOutput(kind: kind, data: data),
            requestID: "\(taskID):\(instant.milliseconds)")
    }

    /// A block. `header` holds its seven fields.
    public static func block(
        _ taskID: TaskID, number: UInt64, header: JSONValue, chainID: UInt64, reporter: Address
    ) -> TriggerFired {
        TriggerFired(
            taskID: taskID, reporter: reporter, output: TriggerOutput(kind: .block, data: header),
            requestID: "\(taskID):\(number)", chainID: chainID)
    }

    /// A log. `event` holds the decoded fields; the place of the log is added.
    public static func event(
        _ taskID: TaskID, event: JSONValue, transaction: Hash32, logIndex: UInt64, block: UInt64, chainID: UInt64,
        reporter: Address
    ) -> TriggerFired {
        var members = event.objectValue ?? [:]
        members["blockNumber"] = .number(Double(block))
        members["logIndex"] = .number(Double(logIndex))
        members["transactionHash"] = .string(transaction.hex)
        return TriggerFired(
            taskID: taskID, reporter: reporter, output: TriggerOutput(kind: .event, data: .object(members)),
            requestID: "\(taskID):\(transaction.hex):\(logIndex)", chainID: chainID)
    }
}
