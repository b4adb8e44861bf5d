// swift-tools-version: 6.3
import PackageDescription

// One array of settings for all targets: language mode 6 comes with the tools version.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Settings of a module that wraps a C library: each unsafe step is marked as such.
let wrapperSettings = settings + [.strictMemorySafety()]

/// A program's table of functions of libraries is filled at its start and cannot be written to afterwards (HRD-4). It
/// can be moved and has no executable stack by the toolchain's own choice.
let hardenedLinking: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]

/// C of our own, or generated: what overruns a buffer ends the process (HRD-4).
let hardenedC: [CSetting] = [
    .unsafeFlags(["-fstack-protector-strong"]),
    .unsafeFlags(["-D_FORTIFY_SOURCE=2"], .when(configuration: .release)),  // it works by the optimizer
]

let bigInt: Target.Dependency = .product(name: "BigInt", package: "BigInt")

let package = Package(
    name: "avs-aggregator",
    products: [
        // What the packages under tools/packages build on.
        .library(name: "AVSTransport", targets: ["AVSTransport", "AVSRPC", "AVSHTTP2", "AVSTLS", "AVSPrimitives"]),

        // The transport's values without the sockets: what bytes of a peer reach first.
        .library(name: "AVSProtocols", targets: ["AVSRPC", "AVSHTTP2", "AVSTLS", "AVSPrimitives"]),

        // What texts and values of users reach: templates, expressions, schedules, graphs, ABIs, script frames.
        .library(
            name: "AVSWorkflow",
            targets: ["AVSWorkflow", "AVSEthereum", "AVSModel", "AVSPrimitives", "AVSScriptFrames"]),

        .library(name: "AVSWire", targets: ["AVSWire", "AVSProto"]),

        .library(name: "AVSProto", targets: ["AVSProto"]),

        .library(name: "CProtobufC", targets: ["CProtobufC"]),

        // What a database is made with.
        .library(
            name: "AVSSchema", targets: ["AVSSchema", "AVSModel", "AVSPrimitives", "AVSStorage", "AVSRocksDB"]),
    ],
    traits: [
        .trait(name: "Failpoints", description: "Named places where a test can stop the process; never in a release.")
    ],
    dependencies: [
        .package(url: "https://github.com/attaswift/BigInt", exact: "6.0.1"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // MARK: System libraries

        .systemLibrary(name: "CSecp256k1", pkgConfig: "libsecp256k1", providers: [.apt(["libsecp256k1-dev"])]),

        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),

        .systemLibrary(name: "CRocksDB", pkgConfig: "rocksdb", providers: [.apt(["librocksdb-dev"])]),

        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),

        .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),

        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),

        .systemLibrary(
            name: "CJavaScriptCore", pkgConfig: "javascriptcoregtk-4.1",
            providers: [.apt(["libjavascriptcoregtk-4.1-dev"])]),

        // MARK: What computes

        .target(name: "AVSPrimitives", swiftSettings: settings),

        .target(name: "AVSEthereum", dependencies: ["AVSPrimitives", bigInt], swiftSettings: settings),

        .target(name: "AVSModel", dependencies: ["AVSPrimitives"], swiftSettings: settings),

        .target(name: "AVSStorage", swiftSettings: settings),

        .target(
            name: "AVSCrypto", dependencies: ["AVSPrimitives", "CSecp256k1", "CCrypto"],
            swiftSettings: wrapperSettings),

        .target(
            name: "AVSWorkflow", dependencies: ["AVSEthereum", "AVSModel", "AVSPrimitives"], swiftSettings: settings),

        .target(name: "CAVSProto", dependencies: ["CProtobufC"], cSettings: hardenedC),

        .target(
            name: "AVSProto", dependencies: ["AVSPrimitives", "CAVSProto", "CProtobufC"],
            swiftSettings: wrapperSettings),

        .target(name: "AVSTLS", dependencies: ["COpenSSL"], swiftSettings: wrapperSettings),

        .target(name: "AVSHTTP2", dependencies: ["CNGHTTP2"], swiftSettings: wrapperSettings),

        .target(name: "AVSRPC", dependencies: ["AVSPrimitives", "CZlib"], swiftSettings: wrapperSettings),

        .target(
            name: "AVSWire", dependencies: ["AVSModel", "AVSPrimitives", "AVSProto", "AVSRPC"],
            swiftSettings: settings),

        .target(
            name: "AVSSchema", dependencies: ["AVSModel", "AVSPrimitives", "AVSProto", "AVSStorage", "AVSWire"],
            swiftSettings: settings),

        .target(
            name: "AVSEngine",
            dependencies: [
                "AVSCrypto", "AVSEthereum", "AVSModel", "AVSPrimitives", "AVSSchema", "AVSStorage", "AVSWorkflow",
                bigInt,
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            swiftSettings: settings),

        .target(
            name: "AVSInspection",
            dependencies: ["AVSCrypto", "AVSModel", "AVSPrimitives", "AVSProto", "AVSSchema", "AVSStorage"],
            swiftSettings: settings),

        // MARK: What does I/O

        .target(
            name: "AVSLogging", dependencies: ["AVSPrimitives", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),

        .target(
            name: "AVSConfiguration",
            dependencies: ["AVSCrypto", "AVSPrimitives", .product(name: "Yams", package: "Yams")],
            swiftSettings: settings),

        .target(name: "AVSThreads", swiftSettings: wrapperSettings),

        .target(
            name: "AVSRocksDB", dependencies: ["AVSStorage", "AVSThreads", "CRocksDB"], swiftSettings: wrapperSettings),

        .target(
            name: "AVSBackup",
            dependencies: [
                "AVSCrypto", "AVSEngine", "AVSInspection", "AVSPrimitives", "AVSRocksDB", "AVSSchema", "AVSStorage",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        .target(
            name: "AVSTransport",
            dependencies: [
                "AVSHTTP2", "AVSPrimitives", "AVSRPC", "AVSTLS",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        .target(
            name: "AVSFetch", dependencies: ["AVSPrimitives", "AVSThreads", "CCurl"], swiftSettings: wrapperSettings),

        .target(
            name: "AVSChain",
            dependencies: [
                "AVSEthereum", "AVSFetch", "AVSPrimitives", "AVSRPC", "AVSTransport",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings),

        .target(name: "CSandbox", cSettings: hardenedC, linkerSettings: [.linkedLibrary("seccomp")]),

        .target(name: "CProcess", cSettings: hardenedC),

        .target(name: "CSpawn", cSettings: hardenedC),

        .target(
            name: "AVSScript",
            dependencies: [
                "AVSPrimitives", "AVSScriptFrames", "AVSThreads", "AVSWorkflow", "CSpawn",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: wrapperSettings),

        .target(name: "AVSScriptFrames", dependencies: ["AVSPrimitives"], swiftSettings: settings),

        .target(
            name: "AVSScriptEngine",
            dependencies: ["AVSPrimitives", "AVSScriptFrames", "AVSThreads", "CJavaScriptCore", "CSandbox"],
            resources: [
                .embedInCode("JavaScript/driver.js"), .embedInCode("JavaScript/guard.js"),
                .embedInCode("JavaScript/uuid.js"), .embedInCode("JavaScript/dayjs.js"),
            ],
            swiftSettings: wrapperSettings),

        // MARK: Roles

        .target(
            name: "AVSServer",
            dependencies: [
                "AVSCrypto", "AVSEngine", "AVSModel", "AVSPrimitives", "AVSProto", "AVSRPC", "AVSSchema", "AVSStorage",
                "AVSTransport", "AVSWire", "AVSWorkflow",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        .target(
            name: "AVSOperator",
            dependencies: [
                "AVSCrypto", "AVSModel", "AVSPrimitives", "AVSProto", "AVSRPC", "AVSTransport", "AVSWire",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        .target(
            name: "AVSWatch",
            dependencies: [
                "AVSChain", "AVSEthereum", "AVSModel", "AVSOperator", "AVSPrimitives", "AVSProto", "AVSRPC",
                "AVSStorage",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        .target(name: "AVSTesting", dependencies: ["AVSModel", "AVSPrimitives"], swiftSettings: settings),

        .target(
            name: "AVSClient",
            dependencies: [
                "AVSCrypto", "AVSModel", "AVSPrimitives", "AVSProto", "AVSRPC", "AVSTransport", "AVSWire",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        // MARK: Programs

        .executableTarget(
            name: "avsctl",
            dependencies: [
                "AVSBackup", "AVSChain", "AVSClient", "AVSConfiguration", "AVSCrypto", "AVSEngine", "AVSEthereum",
                "AVSFetch", "AVSInspection", "AVSModel", "AVSPrimitives", "AVSProto", "AVSRPC", "AVSRocksDB",
                "AVSStorage", "AVSTLS", "AVSTransport", "AVSWire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings, linkerSettings: hardenedLinking),

        .executableTarget(
            name: "avs-aggregator",
            dependencies: [
                "AVSBackup", "AVSChain", "AVSConfiguration", "AVSCrypto", "AVSEngine", "AVSEthereum", "AVSFetch",
                "AVSHTTP2", "AVSLogging", "AVSPrimitives", "AVSRocksDB", "AVSSchema", "AVSScript", "AVSServer",
                "AVSStorage", "AVSTLS", "AVSTransport", "AVSWorkflow", "CProcess",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings, linkerSettings: hardenedLinking),

        .executableTarget(
            name: "avs-operator",
            dependencies: [
                "AVSChain", "AVSConfiguration", "AVSCrypto", "AVSEthereum", "AVSFetch", "AVSLogging", "AVSModel",
                "AVSOperator", "AVSPrimitives", "AVSRocksDB", "AVSStorage", "AVSTLS", "AVSTransport", "AVSWatch",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings, linkerSettings: hardenedLinking),

        .executableTarget(
            name: "avs-script-worker", dependencies: ["AVSScriptEngine"], swiftSettings: settings,
            linkerSettings: hardenedLinking),

        // MARK: Tests

        .testTarget(
            name: "AVSInspectionTests",
            dependencies: [
                "AVSCrypto", "AVSInspection", "AVSModel", "AVSPrimitives", "AVSSchema", "AVSStorage", "AVSTesting",
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSBackupTests",
            dependencies: [
                "AVSBackup", "AVSCrypto", "AVSEngine", "AVSModel", "AVSPrimitives", "AVSRocksDB", "AVSSchema",
                "AVSStorage", "AVSTesting", "migration-crasher", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        .executableTarget(
            name: "migration-crasher",
            dependencies: ["AVSEngine", "AVSRocksDB", "AVSSchema", "AVSStorage", "AVSTesting"],
            path: "Tests/Support/migration-crasher", swiftSettings: settings),

        .testTarget(
            name: "avsctlTests",
            dependencies: [
                "avsctl", "AVSCrypto", "AVSModel", "AVSPrimitives", "AVSProto", "AVSRPC", "AVSRocksDB", "AVSSchema",
                "AVSStorage", "AVSTLS", "AVSTransport", "AVSWire", "TestCertificates",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSClientTests",
            dependencies: [
                "AVSClient", "AVSCrypto", "AVSEngine", "AVSModel", "AVSPrimitives", "AVSProto", "AVSRPC", "AVSServer",
                "AVSTesting", "AVSTransport", "AVSWire", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "ExampleTests", dependencies: ["AVSClient", "AVSCrypto", "AVSModel", "AVSPrimitives"],
            swiftSettings: settings),

        .testTarget(
            name: "AVSLoggingTests",
            dependencies: [
                "AVSLogging", "AVSPrimitives", "AVSTesting", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSConfigurationTests",
            dependencies: [
                "AVSConfiguration", "AVSCrypto", "AVSPrimitives", "AVSTesting", .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSModelTests", dependencies: ["AVSModel", "AVSPrimitives", "AVSTesting"],
            exclude: ["Schedule/zone_ticks.py"], swiftSettings: settings),

        .testTarget(
            name: "AVSEthereumTests", dependencies: ["AVSEthereum", "AVSPrimitives", "AVSTesting", bigInt],
            swiftSettings: settings),

        .testTarget(name: "AVSHTTP2Tests", dependencies: ["AVSHTTP2", "AVSTesting"], swiftSettings: settings),

        .testTarget(
            name: "AVSRPCTests", dependencies: ["AVSPrimitives", "AVSRPC", "AVSTesting"], swiftSettings: settings),

        .testTarget(
            name: "AVSTransportTests",
            dependencies: [
                "AVSHTTP2", "AVSPrimitives", "AVSRPC", "AVSTLS", "AVSTesting", "AVSTransport", "TestCertificates",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        .testTarget(name: "AVSPrimitivesTests", dependencies: ["AVSPrimitives"], swiftSettings: settings),

        .testTarget(
            name: "AVSWorkflowTests",
            dependencies: ["AVSEthereum", "AVSModel", "AVSPrimitives", "AVSTesting", "AVSWorkflow"],
            swiftSettings: settings),

        .target(name: "CAVSProtoKinds", dependencies: ["CAVSProto", "CProtobufC"], path: "Tests/CAVSProtoKinds"),

        .testTarget(
            name: "AVSProtoTests",
            dependencies: ["AVSPrimitives", "AVSProto", "AVSTesting", "CAVSProtoKinds", "CProtobufC"],
            exclude: ["Fixture"], swiftSettings: wrapperSettings),

        .testTarget(name: "AVSStorageTests", dependencies: ["AVSStorage", "AVSTesting"], swiftSettings: settings),

        .testTarget(
            name: "AVSCryptoTests", dependencies: ["AVSCrypto", "AVSEthereum", "AVSPrimitives", "AVSTesting"],
            swiftSettings: settings),

        .target(name: "TestCertificates", path: "Tests/TestCertificates", swiftSettings: settings),

        .testTarget(
            name: "AVSTLSTests", dependencies: ["AVSTLS", "AVSTesting", "TestCertificates"], swiftSettings: settings),

        .target(name: "PowerCut", path: "Tests/Support/PowerCut"),

        .executableTarget(
            name: "store-crasher", dependencies: ["AVSRocksDB", "AVSStorage", "PowerCut"],
            path: "Tests/Support/store-crasher",
            swiftSettings: settings),

        .testTarget(
            name: "AVSRocksDBTests",
            dependencies: ["AVSRocksDB", "AVSStorage", "AVSTesting", "CRocksDB", "store-crasher"],
            swiftSettings: wrapperSettings),

        .testTarget(
            name: "AVSEngineTests",
            dependencies: [
                "AVSCrypto", "AVSEngine", "AVSEthereum", "AVSInspection", "AVSModel", "AVSPrimitives", "AVSRocksDB",
                "AVSSchema", "AVSStorage", "AVSTesting", "AVSWorkflow",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSFetchTests",
            dependencies: [
                "AVSFetch", "AVSPrimitives", "AVSRPC", "AVSTesting", "AVSTransport", "TestCertificates",
                "TestHTTPServer",
            ], swiftSettings: settings),

        .target(
            name: "TestHTTPServer",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ], path: "Tests/TestHTTPServer", swiftSettings: settings),

        .testTarget(
            name: "AVSSchemaTests",
            dependencies: [
                "AVSModel", "AVSPrimitives", "AVSProto", "AVSSchema", "AVSStorage", "AVSTesting", "AVSWire",
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSServerTests",
            dependencies: [
                "AVSCrypto", "AVSEngine", "AVSEthereum", "AVSModel", "AVSPrimitives", "AVSProto", "AVSRPC", "AVSSchema",
                "AVSServer", "AVSStorage", "AVSTesting", "AVSTransport", "AVSWire", "AVSWorkflow",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSAggregatorTests",
            dependencies: [
                "avs-aggregator", "AVSConfiguration", "AVSEngine", "AVSPrimitives", "AVSRocksDB", "AVSScript",
                "AVSServer", "AVSTransport",
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSChainTests",
            dependencies: [
                "AVSChain", "AVSEthereum", "AVSFetch", "AVSPrimitives", "AVSTesting", "AVSTransport", "TestDevChain",
                "TestHTTPServer", bigInt, .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings),

        .target(
            name: "TestDevChain", dependencies: ["AVSPrimitives"], path: "Tests/TestDevChain", swiftSettings: settings),

        .testTarget(
            name: "AVSScriptTests",
            dependencies: [
                "AVSPrimitives", "AVSScript", "AVSScriptEngine", "AVSScriptFrames", "AVSTesting", "AVSTransport",
                "AVSWorkflow", "avs-script-worker",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSOperatorTests",
            dependencies: [
                "AVSCrypto", "AVSModel", "AVSOperator", "AVSPrimitives", "AVSProto", "AVSRPC", "AVSTesting",
                "AVSTransport", "AVSWire", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "AVSWatchTests",
            dependencies: [
                "AVSChain", "AVSEthereum", "AVSFetch", "AVSModel", "AVSOperator", "AVSPrimitives", "AVSRPC",
                "AVSStorage", "AVSTesting", "AVSTransport", "AVSWatch", "TestDevChain",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
    ]
)
