#if Failpoints
    import AVSStorage
    import Testing

    @testable import AVSRocksDB

    /// Only in a build with the trait: `swift test --traits Failpoints`, in a scratch path of its own.
    @Suite("A failpoint of the store", .serialized) struct FailpointTests {
        static let inCommitter: [Failpoint] = [
            .committerBeforeWrite, .committerAfterWriteBeforeSync, .committerAfterSync,
        ]

        @Test("XO-25 P5 kills, and nothing acknowledged is lost", arguments: inCommitter, [1, 2, 37])
        func kill(failpoint: Failpoint, hit: Int) async throws {
            let directory = try TemporaryDirectory()
            var crasher = Crasher(database: directory.database, writers: 8)
            crasher.environment = ["AVS_FAILPOINTS": "\(failpoint.rawValue)=kill@\(hit)"]
            let end = try crasher.run(linesMax: .max)
            #expect(end.wasKilled)
            try await crasher.check(end.report, "killed")
        }

        @Test("XO-25 P5 throws, and the process ends with 74", arguments: inCommitter, [1, 20])
        func throwing(failpoint: Failpoint, hit: Int) async throws {
            let directory = try TemporaryDirectory()
            var crasher = Crasher(database: directory.database, writers: 8)
            crasher.environment = ["AVS_FAILPOINTS": "\(failpoint.rawValue)=throw@\(hit)"]
            let end = try crasher.run(linesMax: .max)
            #expect(!end.wasKilled)
            #expect(end.code == 74)
            try await crasher.check(end.report, "threw")
        }

        @Test("XO-25 kills a start after it has raised the epoch, and the next one goes on")
        func start() async throws {
            let directory = try TemporaryDirectory()
            var crasher = Crasher(database: directory.database, writers: 8)
            for _ in 0..<3 {
                crasher.environment = ["AVS_FAILPOINTS": "recovery.afterEpoch=kill"]
                let end = try crasher.run(linesMax: .max)
                #expect(end.wasKilled)
                #expect(end.report.lines == 0)
            }
            crasher.environment = [:]
            try await crasher.check(try crasher.run(linesMax: 50).report, "after")
        }

        @Test("XO-25 refuses words that it does not know")
        func words() throws {
            let directory = try TemporaryDirectory()
            var crasher = Crasher(database: directory.database, writers: 1)
            for text in [
                "nowhere=kill", "committer.beforeWrite", "committer.beforeWrite=explode",
                "committer.beforeWrite=kill@x",
            ] {
                crasher.environment = ["AVS_FAILPOINTS": text]
                #expect(try crasher.run(linesMax: .max).code == 64)
            }
        }

        @Test("XO-25 acts once, at its hit")
        func board() throws {
            defer { Failpoint.disarmAll() }
            Failpoint.arm(.outboxAfterSend, .throw, afterHits: 2)
            try Failpoint.hit(.outboxAfterSend)
            #expect(throws: FailpointReached.self) { try Failpoint.hit(.outboxAfterSend) }
            try Failpoint.hit(.outboxAfterSend)
            #expect(Failpoint.hits(.outboxAfterSend) == 3)
        }
    }
#endif
