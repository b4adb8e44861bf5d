/// Where a program runs. It decides what is refused and what is only warned of.
public enum DeploymentEnvironment: String, CaseIterable, Sendable {
    /// A machine of a developer: keys are generated, private addresses may be reached, logs are for eyes.
    case development
    /// Everything else; the default, so that forgetting the key errs on the strict side.
    case production
}

/// How an operator's signature counts (D-16).
public enum OperatorAuthentication: String, CaseIterable, Sendable {
    case enforce
    /// A wrong one is logged and accepted.
    case log
    case off
}

/// Whether a client of a TLS listener shows a certificate (TLS-4).
public enum ClientCertificates: String, CaseIterable, Sendable {
    case off, request, require
}

/// Which ERC-4337 entry point a chain has.
public enum EntryPointVersion: String, CaseIterable, Sendable {
    case v06 = "v0.6"
}

/// What happens to a step whose outside effect has no identity, when the process died between sending and recording.
public enum BlindEffects: String, CaseIterable, Sendable {
    /// The step fails with `outcome unknown after restart`; nothing is sent twice.
    case fail
    /// It is sent again: at least once.
    case retry
}

/// Which limits are in force (reliability-security 4.2).
public enum LimitProfile: String, CaseIterable, Sendable {
    case production
    /// Rates per address, caller and task are lifted; bounds of memory never.
    case test
}

/// Who composes the summaries of notifications.
public enum SummaryProvider: String, CaseIterable, Sendable {
    case contextMemory = "context-memory"
}
