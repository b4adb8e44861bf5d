// swift-tools-version: 6.3
import PackageDescription

// The measured server on grpc-swift-2. A package of its own: the product knows nothing of it.
//
// Generated/ is made from ../echo.proto by the plugins that come with these packages, so that they need not be built
// each time: `swift build -c release --product protoc-gen-swift`, the same for protoc-gen-grpc-swift-2, then
// `protoc -I.. --plugin=… --swift_out=… --grpc-swift-2_out=Client=false:… ../echo.proto`.
let package = Package(
    name: "avs-bench-grpc-swift",
    dependencies: [
        .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", exact: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "swift-server",
            dependencies: [
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ])
    ]
)
