// swift-tools-version: 6.3
import PackageDescription

// The interop service and the peers of the soaks. Not part of the product: a package of its own, on the product's
// transport, by path. `tools/interop` and `tools/soak` build and run it.

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
]

let package = Package(
    name: "avs-interop",
    dependencies: [
        .package(name: "avs-aggregator", path: "../../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .target(name: "CTestingProto", dependencies: [.product(name: "CProtobufC", package: "avs-aggregator")]),

        // The generated messages use what is internal to AVSProto, with `@testable`: a debug build has that by itself,
        // a release build wants `-Xswiftc -enable-testing`.
        .executableTarget(
            name: "avs-interop",
            dependencies: [
                "CTestingProto",
                .product(name: "AVSProto", package: "avs-aggregator"),
                .product(name: "AVSTransport", package: "avs-aggregator"),
                .product(name: "CProtobufC", package: "avs-aggregator"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
    ]
)
