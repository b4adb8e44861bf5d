/// Three files as reflection serves them: a service that imports two others, one of which imports the third.
package enum DescriptorSamples {
    package static let files = [service, outer, leaf]
    package static let names: Set<String> = ["service.proto", "outer.proto", "leaf.proto"]
    package static let sizeBytes = files.reduce(0) { $0 + $1.count }

    private static let service =
        field(1, "service.proto") + field(2, "test") + field(3, "outer.proto") + field(3, "leaf.proto")
        + field(6, field(1, "Service") + field(2, field(1, "Echo")))
    private static let outer =
        field(1, "outer.proto") + field(2, "test") + field(3, "leaf.proto")
        + field(4, field(1, "Outer") + field(2, field(1, "value")) + field(3, field(1, "Inner")))
    /// With an extension of `Outer`, number 100.
    private static let leaf =
        field(1, "leaf.proto") + field(2, "test") + field(5, field(1, "Color") + field(2, field(1, "RED")))
        + field(7, field(1, "more") + field(2, ".test.Outer") + [3 << 3, 100])

    private static func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    /// A length-delimited field of fewer than 128 bytes.
    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(bytes.count)] + bytes
    }
}
