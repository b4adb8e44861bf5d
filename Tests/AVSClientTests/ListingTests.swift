import AVSClient
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import Testing

@Suite("A list")
struct ListingTests {
    private static func id(_ number: Int) -> String { ULID(value: UInt128(number)).description }

    /// Ten executions, 9 to 0; cursors are their numbers.
    private func executions(seen: Seen<Wire.ListExecutionsReq>) -> RPCMethod {
        .unary(Wire.AggregatorMethods.listExecutions) { request, _ in
            seen.append(request)
            let (below, above) = (Int(request.after) ?? 10, Int(request.before) ?? -1)
            let matching = (0..<10).reversed().filter { $0 < below && $0 > above }
            let page =
                request.before.isEmpty ? matching.prefix(Int(request.limit)) : matching.suffix(Int(request.limit))
            return .with {
                $0.items = page.map { number in
                    .with {
                        $0.id = Self.id(number)
                        $0.status = .success
                        $0.index = Int64(number)
                    }
                }
                $0.pageInfo = .with {
                    $0.startCursor = page.first.map { "\($0)" } ?? ""
                    $0.endCursor = page.last.map { "\($0)" } ?? ""
                    $0.hasNextPage = (page.last ?? 0) > 0
                    $0.hasPreviousPage = request.before.isEmpty ? !request.after.isEmpty : (page.first ?? 9) < 9
                }
            }
        }
    }

    @Test("is read to its end, page by page, and each item once", arguments: [1, 3, 5, 10, 11])
    func readsAll(pageSize: Int) async throws {
        let seen = Seen<Wire.ListExecutionsReq>()
        let indexes = try await withAggregator([executions(seen: seen)], session: try Known.session()) { client in
            var indexes: [Int64] = []
            for try await execution in client.executions(of: try Known.taskID, pageSize: pageSize) {
                indexes.append(execution.index)
            }
            return indexes
        }
        #expect(indexes == (0..<10).reversed())
        #expect(seen.all.count == (10 + pageSize - 1) / pageSize)
        #expect(seen.all.allSatisfy { $0.taskIds == [Known.task] && $0.limit == Int64(pageSize) })
    }

    @Test("asks for nothing before it is wanted")
    func isLazy() async throws {
        let seen = Seen<Wire.ListExecutionsReq>()
        try await withAggregator([executions(seen: seen)], session: try Known.session()) { client in
            let list = client.executions(of: try Known.taskID, pageSize: 4)
            #expect(seen.all.isEmpty)
            for try await execution in list where execution.index == 7 { break }
            #expect(seen.all.count == 1)
        }
    }

    @Test("gives single pages in both directions")
    func pages() async throws {
        let seen = Seen<Wire.ListExecutionsReq>()
        try await withAggregator([executions(seen: seen)], session: try Known.session()) { client in
            let list = client.executions(of: try Known.taskID, pageSize: 2)
            let second = try await list.page(.after(Cursor("8")))
            #expect(second.items.map(\.index) == [7, 6])
            #expect(second.hasPrevious && second.hasNext && second.endCursor == Cursor("6"))
            #expect(try await list.page(.before(Cursor("6"))).items.map(\.index) == [8, 7])
        }
    }

    @Test("is walked towards its beginning, nearest items first", arguments: [1, 2, 3, 10])
    func backwards(pageSize: Int) async throws {
        let seen = Seen<Wire.ListExecutionsReq>()
        let indexes = try await withAggregator([executions(seen: seen)], session: try Known.session()) { client in
            let list = client.executions(of: try Known.taskID, pageSize: pageSize)
            var indexes: [Int64] = []
            for try await execution in list.backwards(from: Cursor("4")) { indexes.append(execution.index) }
            return indexes
        }
        #expect(indexes == [5, 6, 7, 8, 9])
    }

    @Test("goes on behind a cursor")
    func fromCursor() async throws {
        let seen = Seen<Wire.ListExecutionsReq>()
        let indexes = try await withAggregator([executions(seen: seen)], session: try Known.session()) { client in
            let list = client.executions(of: try Known.taskID, pageSize: 2)
            var indexes: [[Int64]] = []
            for try await page in list.forwards(from: Cursor("4")).pages { indexes.append(page.items.map(\.index)) }
            return indexes
        }
        #expect(indexes == [[3, 2], [1, 0]])
    }

    @Test("asks for one page ahead when it is told to, and for none otherwise", arguments: [false, true])
    func prefetches(isAhead: Bool) async throws {
        let (seen, asked) = (Seen<Wire.ListExecutionsReq>(), AsyncStream<Void>.makeStream())
        let inner = executions(seen: seen)
        let method = RPCMethod.unary(inner.path, request: .bytes, response: .bytes) { bytes, call in
            guard case .unary(let respond) = inner.handler else { throw RPCStatus(.unimplemented) }
            let answer = try await respond(bytes, call)
            asked.continuation.yield()
            return answer
        }
        try await withAggregator([method], session: try Known.session()) { client in
            let list = client.executions(of: try Known.taskID, pageSize: 2)
            var items = (isAhead ? list.prefetching() : list).makeAsyncIterator()
            var asks = asked.stream.makeAsyncIterator()
            #expect(try await items.next()?.index == 9)
            for _ in 0..<(isAhead ? 2 : 1) { await asks.next() }
            #expect(seen.all.count == (isAhead ? 2 : 1))
            var rest: [Int64] = []
            while let item = try await items.next() { rest.append(item.index) }
            #expect(rest == (0..<9).reversed())
            #expect(seen.all.count == 5)
        }
    }

    @Test("asks for the same page again after a failure", arguments: [false, true])
    func survivesFailures(isAhead: Bool) async throws {
        let (seen, calls) = (Seen<Wire.ListExecutionsReq>(), Seen<Void>())
        let inner = executions(seen: seen)
        let method = RPCMethod.unary(inner.path, request: .bytes, response: .bytes) { bytes, call in
            guard case .unary(let respond) = inner.handler else { throw RPCStatus(.unimplemented) }
            if calls.append(()) == 2 { throw RPCStatus(.internal, "once") }
            return try await respond(bytes, call)
        }
        try await withAggregator([method], session: try Known.session()) { client in
            let list = client.executions(of: try Known.taskID, pageSize: 5)
            var items = (isAhead ? list.prefetching() : list).makeAsyncIterator()
            for _ in 0..<5 { _ = try await items.next() }
            await #expect(throws: AggregatorError.self) { try await items.next() }
            #expect(try await items.next()?.index == 4)
        }
    }

    @Test("that leads nowhere ends with an error and not in a loop", arguments: ["", "same"])
    func leadsNowhere(cursor: String) async throws {
        let seen = Seen<Void>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.listTasks) { _, _ in
                seen.append(())
                return try .with {
                    $0.items = [try Known.wireTask()]
                    $0.pageInfo = .with {
                        $0.endCursor = cursor
                        $0.hasNextPage = true
                    }
                }
            }
        ]
        let wallet = try Known.walletAddress
        try await withAggregator(methods, session: try Known.session()) { client in
            let error = await #expect(throws: AggregatorError.self) {
                for try await _ in client.tasks(of: [wallet]) {}
            }
            #expect(error?.code == .internal)
        }
        #expect(seen.all.count == (cursor.isEmpty ? 1 : 2))
    }

    @Test("a listed task does not tell its chain")
    func listedTasks() async throws {
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.listTasks) { request, _ in
                #expect(request.smartWalletAddress == [Known.wallet])
                #expect(request.includeNodes && !request.includeEdges)
                return try .with { $0.items = [try Known.wireTask()] }
            }
        ]
        try await withAggregator(methods, session: try Known.session()) { client in
            var chains: [UInt64] = []
            for try await task in client.tasks(of: [try Known.walletAddress], includesNodes: true) {
                chains.append(task.chainID)
            }
            #expect(chains == [0])
        }
    }
}
