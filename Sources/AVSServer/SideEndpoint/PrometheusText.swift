import AVSTransport

/// Metrics in Prometheus' text format, version 0.0.4: families of samples, each with its help and its type.
struct PrometheusText {
    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var text = ""

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Begins a family; its samples follow.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: Int) {
        sample(name, labels, "\(value)")
    }

    /// A family of one sample.
    mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        family(name, kind, help)
        sample(name, [], value)
    }

    /// A family with a sample for each member of a closed set, also for those that never happened.
    mutating func each(
        _ name: String, _ help: String, by label: String, of members: Set<String>, _ counts: [String: Int]
    ) {
        family(name, .counter, help)
        for member in members.sorted() { sample(name, [(label, member)], counts[member, default: 0]) }
    }

    /// Samples of a histogram whose numbers are to be divided by `scale`: 1,000,000 for microseconds as seconds.
    ///
    /// - Parameter exponents: the bounds are 2^n - 1, exactly those between which the histogram counts.
    mutating func buckets(
        _ name: String, _ labels: [(name: String, value: String)], _ histogram: Histogram, exponents: [Int],
        scale: Int
    ) {
        for exponent in exponents {
            let bound = Self.number((1 << exponent) - 1, per: scale)
            sample("\(name)_bucket", labels + [("le", bound)], histogram.count(below: exponent))
        }
        sample("\(name)_bucket", labels + [("le", "+Inf")], histogram.count)
        sample("\(name)_sum", labels, Self.number(histogram.sum, per: scale))
        sample("\(name)_count", labels, histogram.count)
    }

    private mutating func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
        let list = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        text += list.isEmpty ? "\(name) \(value)\n" : "\(name){\(list)} \(value)\n"
    }

    private static func number(_ number: Int, per scale: Int) -> String {
        scale == 1 ? "\(number)" : "\(Double(number) / Double(scale))"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
