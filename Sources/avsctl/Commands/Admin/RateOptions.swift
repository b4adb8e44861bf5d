import AVSModel
import AVSProto
import ArgumentParser

/// How often an API key may be used.
struct RateOptions: ParsableArguments {
    /// `5/10`, or `default`.
    struct Rate: ExpressibleByArgument {
        /// Zeros for the configuration's rate.
        let wire: Wire.CallRate

        init?(argument: String) {
            guard argument != "default" else {
                wire = Wire.CallRate()
                return
            }
            let numbers = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int32($0) }
            guard numbers.count == 2, let perSecond = numbers[0], let burst = numbers[1],
                CallRate.perSecondBounds.contains(Int(perSecond)), CallRate.burstBounds.contains(Int(burst))
            else { return nil }
            wire = .with {
                $0.perSecond = perSecond
                $0.burst = burst
            }
        }
    }

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Reads a second, and at once: 5/10; or default, for limits.reads_per_api_key.", valueName: "rate"))
    var reads: Rate?

    @Option(name: .long, help: ArgumentHelp("The same of calls that change something.", valueName: "rate"))
    var writes: Rate?

    @Option(name: .long, help: ArgumentHelp("The same of simulations and single nodes.", valueName: "rate"))
    var simulations: Rate?

    /// Nil where none is given.
    var wire: Wire.ApiKeyRates? {
        guard reads != nil || writes != nil || simulations != nil else { return nil }
        return .with {
            $0.reads = reads?.wire
            $0.writes = writes?.wire
            $0.simulations = simulations?.wire
        }
    }
}
