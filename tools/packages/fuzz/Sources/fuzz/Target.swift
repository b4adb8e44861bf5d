/// One thing that takes bytes from a peer. It must answer any bytes with a result or an error, and never trap.
protocol Target: SendableMetatype {
    /// What the command line and the corpus call it.
    static var name: String { get }
    /// Its share of a run over all targets: how many of a thousand inputs.
    static var share: Int { get }

    init() throws

    /// A new input out of the corpus.
    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8]

    /// Takes one input. `random` decides how it arrives and what the program around it does.
    ///
    /// - Throws: ``Finding`` when a promise beyond "does not trap" is broken.
    mutating func take(_ input: [UInt8], _ random: inout Generator) throws(Finding)
}

/// An input that did what none may do.
struct Finding: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

extension Target {
    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        var input = seed
        for _ in 0...random.below(6) { Mutation.change(&input, &random, splicing: other) }
        return input
    }

    func mutate(
        _ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator, as shape: Records.Shape
    ) -> [UInt8] {
        var records = Records(seed, shape)
        for _ in 0...random.below(6) { records.change(&random, splicing: other) }
        var input = records.bytes
        if random.oneIn(8) { Mutation.change(&input, &random, splicing: other) }
        return input
    }
}

/// All targets of `tools/fuzz transport`.
let transportTargets: [any Target.Type] = [
    HTTP2ServerTarget.self, HTTP2ClientTarget.self, HeaderCompressionTarget.self, FramingTarget.self,
    RequestHeadTarget.self, ResponseFieldsTarget.self, TimeoutTarget.self, TLSServerTarget.self, TLSRecordTarget.self,
]
