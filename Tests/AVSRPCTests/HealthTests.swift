import Testing

@testable import AVSRPC

@Suite("The health board")
struct HealthTests {
    @Test("HL-1: knows the whole server and the names that were set")
    func names() {
        let board = HealthBoard()
        #expect(board.status(of: "") == .serving)
        #expect(board.status(of: "a") == nil)
        board.set(.notServing, for: "a")
        #expect(board.status(of: "a") == .notServing)
    }

    @Test("HL-2: a watcher hears the state, unknown names included, and then the latest change")
    func watch() async {
        let board = HealthBoard()
        let (id, states) = board.watch("a")
        var iterator = states.makeAsyncIterator()
        #expect(await iterator.next() == .serviceUnknown)
        board.set(.serving, for: "a")
        board.set(.notServing, for: "a")
        board.set(.notServing, for: "b")
        #expect(await iterator.next() == .notServing)
        board.stopWatching(id)
        #expect(await iterator.next() == nil)
        #expect(board.watcherCount == 0)
    }

    @Test("HL-4: on shutdown everything is NOT_SERVING, watchers hear it, and later changes are ignored")
    func shutDown() async {
        let board = HealthBoard()
        board.set(.serving, for: "a")
        let (_, states) = board.watch("a")
        board.shutDown()
        var heard: [HealthBoard.Serving] = []
        for await state in states { heard.append(state) }
        #expect(heard == [.notServing])
        board.set(.serving, for: "a")
        #expect(board.status(of: "a") == .notServing)
        #expect(board.status(of: "") == .notServing)
        board.resume()
        #expect(board.status(of: "a") == .serving)
    }

    @Test("the messages are those of health.proto")
    func wire() throws {
        #expect(HealthRequest.codec.encode(HealthRequest(service: "ab")) == [0x0a, 2, 0x61, 0x62])
        #expect(try HealthRequest.codec.decode([0x10, 5, 0x0a, 1, 0x61]).service == "a")
        #expect(HealthAnswer(status: .notServing).bytes == [8, 2])
        #expect(HealthAnswer(status: .unknown).bytes == [])
        #expect(throws: ProtoWire.Malformed.self) { try HealthRequest.codec.decode([0x0a, 9]) }
    }
}

@Suite("The reflection index")
struct ReflectionTests {
    // a.proto: package p; import "b.proto"; message M { enum E { Z = 0; } message N {} M f = 1; extensions 100; }
    // service S { rpc Call }; extend M { x = 100 }
    private static let files: [[UInt8]] = {
        func field(_ number: Int, _ value: [UInt8]) -> [UInt8] {
            var bytes: [UInt8] = []
            ProtoWire.append(field: number, value, to: &bytes)
            return bytes
        }
        func text(_ number: Int, _ value: String) -> [UInt8] { field(number, Array(value.utf8)) }
        let message =
            text(1, "M") + field(2, text(1, "f")) + field(3, text(1, "N"))
            + field(4, text(1, "E") + field(2, text(1, "Z")))
        let service = text(1, "S") + field(2, text(1, "Call"))
        let ext = text(1, "x") + text(2, ".p.M") + [0x18, 100]
        let a =
            text(1, "a.proto") + text(2, "p") + text(3, "b.proto") + field(4, message) + field(6, service)
            + field(7, ext)
        return [a, text(1, "b.proto") + text(3, "c.proto"), text(1, "c.proto")]
    }()

    private let index: ReflectionIndex

    init() throws { index = try ReflectionIndex(files: Self.files) }

    @Test(
        "RF-3: finds messages, nested types, enums, values, services, methods and extensions",
        arguments: [
            "p.M", "p.M.f", "p.M.N", "p.M.E", "p.M.Z", "p.M.E.Z", "p.S", "p.S.Call", "p.x",
        ])
    func symbols(symbol: String) {
        #expect(index.file(containing: symbol) == "a.proto")
        #expect(index.file(containing: symbol + "x") == nil)
    }

    @Test("RF-4: a file comes with its imports, each once for a stream")
    func imports() {
        var sent: Set<String> = []
        #expect(index.withImports("a.proto", sent: &sent) == Self.files)
        #expect(index.withImports("a.proto", sent: &sent) == [Self.files[0]])
        #expect(index.withImports("c.proto", sent: &sent) == [Self.files[2]])
    }

    @Test("RF-3, RF-5: extensions and services")
    func lists() {
        #expect(index.file(extending: "p.M", 100) == "a.proto")
        #expect(index.extensionNumbers(of: "p.M") == [100])
        #expect(index.extensionNumbers(of: "p.S") == [])
        #expect(index.extensionNumbers(of: "p.Nope") == nil)
        #expect(
            index.services == [
                "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection", "p.S",
            ])
    }

    @Test("RF-2: an answer carries the host and the request; what is not found is an error inside it")
    func answer() throws {
        var sent: Set<String> = []
        let request: [UInt8] = [0x0a, 1, 0x68, 0x22, 1, 0x71]  // host "h", symbol "q"
        let answer = try index.answer(request, sent: &sent)
        #expect(answer.starts(with: [0x0a, 1, 0x68, 0x12, 6] + request + [0x3a]))
        #expect(answer.contains([0x08, 5]))
        #expect(throws: RPCStatus.self) { try index.answer([0x22, 200], sent: &sent) }
    }

    @Test("every cut of a descriptor is read or refused")
    func cuts() {
        for cut in 0..<Self.files[0].count {
            do { _ = try ReflectionIndex(files: [Array(Self.files[0][..<cut])]) } catch {
                #expect(error is ProtoWire.Malformed)
            }
        }
    }
}
