public import AVSModel

extension TaskValidator {
    /// Why no run of a stored task could work: its names and its trigger (aggregator-api.md 2.8, rows 10 to 12). Nil
    /// for all the others.
    ///
    /// Limits do not count: a task that was within them when it was created stays what it is when they are lowered.
    public static func refusal(ofStored task: AutomationTask) -> InvalidArgument? {
        var limits = Limits()
        (limits.nodes, limits.edges, limits.nesting, limits.schedules) = (.max, .max, .max, .max)
        (limits.addresses, limits.topics, limits.conditions) = (.max, .max, .max)
        (limits.contractABIBytes, limits.contractABIItemBytes) = (.max, .max)
        let validator = TaskValidator(limits: limits)
        do throws(InvalidArgument) {
            try validator.checkNames(trigger: task.trigger, nodes: task.nodes)
            try TriggerRules(limits: limits).check(task.trigger.config)
            return nil
        } catch {
            return error
        }
    }
}
