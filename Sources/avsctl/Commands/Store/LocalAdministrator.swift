import AVSConfiguration
import AVSModel

extension Administrator {
    /// Whoever runs this tool on the files of a stopped aggregator.
    static var user: Administrator {
        Administrator(name: "user \(ProcessFacts.takenFromProcess().userID)", origin: "avsctl")
    }
}
