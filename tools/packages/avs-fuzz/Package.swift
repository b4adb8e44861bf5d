// swift-tools-version: 6.3
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "avs-fuzz",
    products: [
        .executable(name: "fuzz", targets: ["fuzz"]),
        .executable(name: "fuzz-live", targets: ["fuzz-live"]),
    ],
    dependencies: [
        .package(name: "avs-aggregator", path: "../../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    ],
    targets: [
        // Inputs, their mutations and the processes that take them.
        .target(
            name: "FuzzInputs", dependencies: [.product(name: "AVSProtocols", package: "avs-aggregator")],
            swiftSettings: settings),

        // Values without a socket, one thread; builds without NIO.
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "FuzzInputs",
                .product(name: "AVSProtocols", package: "avs-aggregator"),
                .product(name: "AVSWorkflow", package: "avs-aggregator"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),

        // A live server and live channels over sockets, many threads.
        .executableTarget(
            name: "fuzz-live",
            dependencies: [
                "FuzzInputs",
                .product(name: "AVSTransport", package: "avs-aggregator"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
    ]
)
