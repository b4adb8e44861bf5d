/// The version that the aggregator reports of itself.
enum AggregatorVersion {
    static let text = "0.1.0"
}
