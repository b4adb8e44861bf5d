// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "bench-store",
    dependencies: [
        .package(name: "avs-aggregator", path: "../../../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "bench-store",
            dependencies: [
                .product(name: "AVSSchema", package: "avs-aggregator"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .treatAllWarnings(as: .error),
            ])
    ]
)
