import FuzzInputs

/// One thing that takes bytes from a peer or text from a user. It must answer any of them with a result or an error,
/// and never trap.
protocol Target: SendableMetatype {
    /// What the command line and the corpus call it.
    static var name: String { get }
    /// Its share of a run over all targets, beside theirs.
    static var share: Int { get }

    init() throws

    /// A new input out of the corpus.
    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8]

    /// Takes one input. `random` decides how it arrives and what the program around it does.
    ///
    /// - Throws: ``Finding`` when a promise beyond "does not trap" is broken.
    mutating func take(_ input: [UInt8], _ random: inout Generator) async throws(Finding)
}

extension Target {
    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        Mutation.changed(seed, splicing: other, &random)
    }

    func mutate(
        _ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator, as shape: Records.Shape
    ) -> [UInt8] {
        Records.changed(seed, shape, splicing: other, &random)
    }
}

extension Corpus {
    /// The input of a number, and the generator that decides how it arrives.
    func input(
        _ number: UInt64, for target: some Target, seed: UInt64
    ) -> (bytes: [UInt8], random: Generator) {
        var random = Generator(seed: seed, number: number)
        // The corpus itself comes first, as it is.
        guard number >= UInt64(inputs.count) else { return (inputs[Int(number)], random) }
        let first = random.pick(inputs, or: [])
        let second = random.pick(inputs, or: [])
        return (target.mutate(first, splicing: second, &random), random)
    }
}

/// The targets of one command of `tools/fuzz`.
enum Suite: String, CaseIterable {
    case transport, engine

    var targets: [any Target.Type] {
        switch self {
        case .transport: transportTargets
        case .engine: engineTargets
        }
    }
}

private let engineTargets: [any Target.Type] = [
    TemplateTarget.self, ExpressionTarget.self, ProgramTarget.self, JSONTarget.self, CronTarget.self,
    ScriptFrameTarget.self, EventLogTarget.self, GraphTarget.self,
]

private let transportTargets: [any Target.Type] = [
    HTTP2ServerTarget.self, HTTP2ClientTarget.self, HeaderCompressionTarget.self, FramingTarget.self,
    RequestHeadTarget.self, ResponseFieldsTarget.self, TimeoutTarget.self, ReflectionTarget.self, TLSServerTarget.self,
    TLSRecordTarget.self,
]
