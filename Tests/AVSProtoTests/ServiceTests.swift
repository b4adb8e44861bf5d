import Testing

@testable import AVSProto

@Suite("What is known about calls")
struct ServiceTests {
    @Test("29 calls of clients and 6 of operators, one of them a stream")
    func counts() {
        #expect(Wire.AggregatorMethods.all.count == 29)
        #expect(Wire.NodeMethods.all.count == 6)
        let streams = (Wire.AggregatorMethods.all + Wire.NodeMethods.all).filter {
            $0.serverStreaming || $0.clientStreaming
        }
        #expect(streams.map(\.path) == ["/aggregator.Node/SyncMessages"])
        #expect(streams.first?.clientStreaming == false)
    }

    @Test("paths and types are the contract's")
    func types() {
        #expect(Wire.AggregatorMethods.getTask.path == "/aggregator.Aggregator/GetTask")
        #expect(Wire.AggregatorMethods.setWallet.erased == "SetWalletReq GetWalletResp")
        #expect(Wire.AggregatorMethods.cancelTask.erased == "IdReq CancelTaskResp")
        #expect(Wire.AggregatorMethods.simulateTask.erased == "SimulateTaskReq Execution")
        #expect(Wire.NodeMethods.ack.erased == "AckMessageReq BoolValue")
        #expect(Wire.NodeMethods.ping.erased == "Checkin CheckinResp")
    }

    @Test("health and both reflections are there")
    func standardServices() {
        #expect(
            HealthV1.HealthMethods.all.map(\.path) == ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"])
        #expect(HealthV1.HealthCheckResponse.ServingStatus.serviceUnknown.rawValue == 3)
        let reflections = ReflectionV1.ServerReflectionMethods.all + ReflectionV1Alpha.ServerReflectionMethods.all
        #expect(
            reflections.map(\.path) == [
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            ])
        #expect(reflections.allSatisfy { $0.clientStreaming && $0.serverStreaming })
    }
}

extension ProtoMethod {
    /// The types, without their packages.
    fileprivate var erased: String {
        let method = AnyProtoMethod(self)
        return [method.input, method.output].map { String($0.fullName.split(separator: ".").last ?? "") }
            .joined(separator: " ")
    }
}

/// RF-3, RF-4
@Suite("A file descriptor")
struct FileDescriptorTests {
    @Test("names the file and its imports as its bytes do", arguments: FileDescriptors.all.map(\.name))
    func agreesWithBytes(name: String) throws {
        let file = try #require(FileDescriptors.all.first { $0.name == name })
        func texts(_ number: UInt32) throws -> [String] {
            try WireSplice.elements(field: number, of: file.bytes).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(try texts(1) == [file.name])
        #expect(try texts(3) == file.imports)
        let package = try texts(2).first ?? ""
        let services = try WireSplice.elements(field: 6, of: file.bytes).map {
            try WireSplice.submessage(field: 1, of: Array($0)) ?? []
        }
        #expect(services.map { package + "." + String(decoding: $0, as: UTF8.self) } == file.services)
        for symbol in file.symbols {
            let last = symbol.split(separator: ".").last ?? ""
            #expect(file.bytes.contains(Array(last.utf8)), "\(symbol)")
        }
    }

    @Test("comes after those that it imports, once")
    func order() {
        var seen: Set<String> = []
        for file in FileDescriptors.all {
            #expect(seen.isSuperset(of: file.imports), "\(file.name)")
            #expect(seen.insert(file.name).inserted)
        }
        #expect(
            seen == [
                "admin.proto", "avs.proto", "node.proto", "google/protobuf/struct.proto",
                "google/protobuf/timestamp.proto",
                "google/protobuf/wrappers.proto", "grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto",
                "grpc/reflection/v1alpha/reflection.proto",
            ])
    }

    @Test(
        "knows services, methods, messages, enums and their values by full name",
        arguments: [
            "aggregator.Aggregator", "aggregator.Aggregator.GetTask", "aggregator.Node.SyncMessages",
            "aggregator.Execution.Step", "aggregator.TaskStatus", "aggregator.Canceled",
            "aggregator.Task.InputVariablesEntry", "google.protobuf.NULL_VALUE", "grpc.health.v1.Health.Watch",
            "grpc.health.v1.HealthCheckResponse.NOT_SERVING",
        ])
    func symbols(name: String) {
        #expect(FileDescriptors.all.count { $0.symbols.contains(name) } == 1)
    }

    @Test("does not tell about storage")
    func storage() {
        #expect(!FileDescriptors.all.contains { $0.symbols.contains { $0.hasPrefix("aggregator.storage.") } })
    }

    @Test("says optional, as the schema does")
    func optional() throws {
        let avs = try #require(FileDescriptors.all.first { $0.name == "avs.proto" })
        #expect(avs.bytes.contains(Array("_cooldown_seconds".utf8)))  // the oneof that protoc adds for `optional`
        #expect(!avs.bytes.contains(Array("has_cooldown_seconds".utf8)))  // the scratch copy's
    }
}
