import AVSPrimitives
import AVSRPC
import AVSTesting
import AVSTransport
import Foundation
import TestCertificates
import TestHTTPServer
import Testing

@testable import AVSFetch

@Suite("A fetcher")
struct FetcherTests {
    static func limits(_ change: (inout FetchLimits) -> Void = { _ in }) -> FetchLimits {
        var limits = FetchLimits()
        change(&limits)
        return limits
    }

    static func fetcher(for servers: TestHTTPServer..., limits: FetchLimits = FetchLimits()) throws -> Fetcher {
        let allowed = servers.compactMap { AllowedEndpoint("127.0.0.1:\($0.port)") }
        return try Fetcher(allowed: Set(allowed), limits: limits, time: SystemTime())
    }

    static func kind(_ fetcher: Fetcher, _ request: FetchRequest) async -> FetchError.Kind? {
        do {
            _ = try await fetcher.send(request)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test("gives status, headers in order and body") func response() async throws {
        let server = try await TestHTTPServer.start { _ in
            .response(
                404, headers: [("X-A", " 1 "), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Empty", "")],
                body: Array("no".utf8))
        }
        let response = try await Self.fetcher(for: server).send(FetchRequest(url: server.url + "/x?y=1"))
        #expect(response.status == 404 && response.body == Array("no".utf8) && response.url == server.url + "/x?y=1")
        #expect(response.headers.map(\.name) == ["Content-Length", "X-A", "Set-Cookie", "Set-Cookie", "Empty"])
        #expect(
            response.headers.map(\.value) == ["2", "1", "a=1", "b=2", ""] && response.header("set-cookie") == "a=1")
    }

    @Test(
        "sends what it was given, and the framing itself",
        arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
    func request(method: String) async throws {
        let server = try await TestHTTPServer.start { request in
            request.method == "HEAD" ? .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".utf8)) : .text("ok")
        }
        let sendsBody = method != "GET" && method != "HEAD"
        let headers = [
            FetchHeader("X-One", "1"), FetchHeader("X-Empty", ""), FetchHeader("Host", "evil"),
            FetchHeader("Content-Length", "999"),
            FetchHeader("Transfer-Encoding", "chunked"), FetchHeader("Connection", "upgrade"),
        ]
        let body = sendsBody ? Array("{\"a\":1}".utf8) : []
        let response = try await Self.fetcher(for: server).send(
            FetchRequest(method: method, url: server.url + "/p", headers: headers, body: body))
        #expect(response.status == 200)
        let seen = try #require(server.requests.first)
        #expect(seen.method == method && seen.target == "/p" && seen.body == body)
        #expect(
            seen.header("x-one") == "1" && seen.header("x-empty") == ""
                && seen.header("host") == "127.0.0.1:\(server.port)")
        #expect(seen.header("content-length") == (sendsBody ? "7" : nil) && seen.header("transfer-encoding") == nil)
        #expect(seen.header("content-type") == nil && seen.header("expect") == nil && seen.header("cookie") == nil)
        #expect(seen.header("user-agent") == "avs-aggregator" && seen.header("accept-encoding") == "gzip, deflate")
    }

    @Test("says the length of an empty body") func emptyPost() async throws {
        let server = try await TestHTTPServer.start { _ in .text("") }
        _ = try await Self.fetcher(for: server).send(FetchRequest(method: "POST", url: server.url))
        #expect(server.requests.first?.header("content-length") == "0")
    }

    @Test(
        "refuses to send what is malformed",
        arguments: [
            FetchRequest(method: "get", url: "/"), FetchRequest(method: "", url: "/"),
            FetchRequest(method: "GET / HTTP/1.1\r\nX:", url: "/"),
            FetchRequest(url: "/", headers: [FetchHeader("a b", "1")]),
            FetchRequest(url: "/", headers: [FetchHeader("", "1")]),
            FetchRequest(url: "/", headers: [FetchHeader("a", "1\r\nb: 2")]),
            FetchRequest(url: "/", headers: [FetchHeader("a\r\nb", "1")]),
            FetchRequest(url: "/", headers: [FetchHeader("a", "\u{0}")]),
        ])
    func invalid(request: FetchRequest) async throws {
        let server = try await TestHTTPServer.start { _ in .text("") }
        var request = request
        request.url = server.url + request.url
        let kind = await Self.kind(try Self.fetcher(for: server), request)
        #expect(kind == .invalidRequest && server.connectionCount == 0)
    }

    @Test("SSRF-8: counts the body after decompression") func bomb() async throws {
        let plain = [UInt8](repeating: 0, count: 4 << 20)
        let packed = try #require(MessageCompressor().compressIfWorthwhile(plain, .gzip))
        #expect(packed.count < 64 << 10)
        let server = try await TestHTTPServer.start { request in
            .response(headers: [("Content-Encoding", "gzip"), ("X-Kept", "1")], body: packed)
        }
        let small = try Self.fetcher(for: server, limits: Self.limits { $0.responseBodyBytes = 1 << 20 })
        #expect(await Self.kind(small, FetchRequest(url: server.url)) == .tooLarge(limitBytes: 1 << 20))
        let exact = try Self.fetcher(for: server, limits: Self.limits { $0.responseBodyBytes = 4 << 20 })
        let response = try await exact.send(FetchRequest(url: server.url))
        #expect(response.body == plain && response.headers == [FetchHeader("X-Kept", "1")])
    }

    @Test("SSRF-8: bounds body, headers and request") func sizes() async throws {
        let server = try await TestHTTPServer.start { request in
            switch request.target {
            case "/body": .response(body: [UInt8](repeating: 1, count: 1001))
            case "/chunks":
                .bytes(
                    Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n".utf8)
                        + [UInt8](repeating: 1, count: 1001))
            case "/lines": .response(headers: (0..<200).map { ("X-\($0)", "1") })
            case "/header": .response(headers: [("X", String(repeating: "a", count: 70_000))])
            default: .response(body: [UInt8](repeating: 1, count: 1000))
            }
        }
        let fetcher = try Self.fetcher(
            for: server,
            limits: Self.limits {
                $0.responseBodyBytes = 1000
                $0.requestBodyBytes = 10
            })
        #expect(try await fetcher.send(FetchRequest(url: server.url)).body.count == 1000)
        for target in ["/body", "/chunks"] {
            #expect(await Self.kind(fetcher, FetchRequest(url: server.url + target)) == .tooLarge(limitBytes: 1000))
        }
        for target in ["/lines", "/header"] {
            #expect(await Self.kind(fetcher, FetchRequest(url: server.url + target)) == .tooLarge(limitBytes: 64 << 10))
        }
        let large = FetchRequest(method: "POST", url: server.url, body: [UInt8](repeating: 1, count: 11))
        #expect(await Self.kind(fetcher, large) == .tooLarge(limitBytes: 10))
        let header = FetchRequest(url: server.url, headers: [FetchHeader("X", String(repeating: "a", count: 65_536))])
        #expect(await Self.kind(fetcher, header) == .tooLarge(limitBytes: 64 << 10))
    }

    @Test("tells refused connections, silence and nonsense apart") func errors() async throws {
        let server = try await TestHTTPServer.start { request in
            switch request.target {
            case "/silence": .silence
            case "/half": .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".utf8))
            case "/cut": .bytesThenClose(Array("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".utf8))
            case "/close": .bytesThenClose([])
            case "/gzip": .response(headers: [("Content-Encoding", "gzip")], body: [1, 2, 3, 4])
            default: .bytesThenClose(Array("SSH-2.0-x\r\n\r\n".utf8))
            }
        }
        let fetcher = try Self.fetcher(for: server)
        let brief = Duration.milliseconds(300)
        for target in ["/silence", "/half"] {
            #expect(
                await Self.kind(fetcher, FetchRequest(url: server.url + target, timeout: brief, owner: target))
                    == .timeout)
        }
        for target in ["/cut", "/close", "/gzip", "/ssh"] {
            let error = await #expect(throws: FetchError.self) {
                try await fetcher.send(FetchRequest(url: server.url + target, owner: target))
            }
            #expect(
                error == FetchError(.badResponse, host: "127.0.0.1", detail: error?.detail ?? "", mayHaveArrived: true),
                "\(target)")
        }
        try await server.stop()
        let error = await #expect(throws: FetchError.self) { try await fetcher.send(FetchRequest(url: server.url)) }
        #expect(error?.kind == .couldNotConnect && error?.mayHaveArrived == false)
        #expect(error?.description == "network error: could not connect: 127.0.0.1")
    }

    @Test(
        "SSRF-6: follows redirects by the standard's rules",
        arguments: [
            (301, "POST", "GET", ""), (302, "POST", "GET", ""), (303, "POST", "GET", ""), (303, "PUT", "GET", ""),
            (307, "POST", "POST", "body"),
            (308, "PUT", "PUT", "body"), (301, "PUT", "PUT", "body"), (302, "DELETE", "DELETE", "body"),
            (301, "GET", "GET", ""),
        ])
    func redirects(status: Int, method: String, nextMethod: String, nextBody: String) async throws {
        let server = try await TestHTTPServer.start { request in
            request.target == "/to"
                ? .text("there") : .response(status, headers: [("Location", "/to")], body: Array("x".utf8))
        }
        let request = FetchRequest(
            method: method, url: server.url + "/from",
            headers: [FetchHeader("Authorization", "key"), FetchHeader("Content-Type", "text/plain")],
            body: method == "GET" ? [] : Array("body".utf8))
        let response = try await Self.fetcher(for: server).send(request)
        #expect(response.body == Array("there".utf8) && response.url == server.url + "/to")
        let last = try #require(server.requests.last)
        #expect(last.method == nextMethod && last.body == Array(nextBody.utf8) && last.header("authorization") == "key")
        #expect((last.header("content-type") != nil) == (nextMethod == method))
    }

    @Test("SSRF-6: keeps secrets from another origin") func secrets() async throws {
        let second = try await TestHTTPServer.start { _ in .text("") }
        let target = second.url
        let first = try await TestHTTPServer.start { _ in .response(302, headers: [("Location", target)]) }
        let headers = ["Authorization", "Cookie", "X-Api-Key", "X-Plain"].map { FetchHeader($0, "v") }
        _ = try await Self.fetcher(for: first, second).send(
            FetchRequest(url: first.url, headers: headers, secretHeaderNames: ["x-api-key"]))
        let seen = try #require(second.requests.first)
        #expect(
            ["authorization", "cookie", "x-api-key"].allSatisfy { seen.header($0) == nil }
                && seen.header("x-plain") == "v")
    }

    @Test("SSRF-6: stops after five redirects, and at one to a place it may not go") func redirectLimits() async throws
    {
        let trap = try await TestHTTPServer.start { _ in .text("trapped") }
        let trapPort = trap.port
        let server = try await TestHTTPServer.start { request in
            switch request.target {
            case "/loop": .response(302, headers: [("Location", "/loop")])
            case "/trap": .response(302, headers: [("Location", "http://127.0.0.1:\(trapPort)/")])
            case "/decimal": .response(307, headers: [("Location", "//2130706433:\(trapPort)/")])
            case "/name": .response(307, headers: [("Location", "http://localhost:\(trapPort)/")])
            case "/file": .response(302, headers: [("Location", "file:///etc/passwd")])
            default: .response(302)
            }
        }
        let fetcher = try Self.fetcher(for: server)
        #expect(await Self.kind(fetcher, FetchRequest(url: server.url + "/loop")) == .badResponse)
        #expect(server.requests.count == 6)
        for target in ["/trap", "/decimal", "/name"] {
            #expect(await Self.kind(fetcher, FetchRequest(url: server.url + target)) == .blockedAddress)
        }
        #expect(await Self.kind(fetcher, FetchRequest(url: server.url + "/file")) == .invalidURL)
        #expect(try await fetcher.send(FetchRequest(url: server.url + "/none")).status == 302)
        #expect(trap.connectionCount == 0)
    }

    @Test("SSRF-6: never goes from https to http") func downgrade() throws {
        let hop = try Hop(FetchRequest(url: ""), url: try FetchURL.parse("https://example.com/"), limits: FetchLimits())
        let response = FetchResponse(status: 302, headers: [FetchHeader("location", "http://example.com/")])
        #expect(throws: FetchError.self) { try hop.following(response, secretHeaderNames: []) }
    }

    @Test("SSRF-2: judges the address of the socket, whatever the name") func sockets() async throws {
        let trap = try await TestHTTPServer.start { _ in .text("trapped") }
        let settings = TransferSettings(
            limits: FetchLimits(), trustedCertificatesPath: nil, isolatesRequests: true, userAgent: "x")
        let loop = try TransferLoop(settings: settings, time: SystemTime())
        for host in ["localhost", "127.0.0.1", "127.1", "0"] {
            let url = try FetchURL.parse("http://\(host):\(trap.port)/")
            let hop = try Hop(FetchRequest(url: ""), url: url, limits: FetchLimits())
            let error = await #expect(throws: FetchError.self) {
                try await loop.perform(hop, rule: .publicOnly(allowed: [], own: []), deadline: .now + .seconds(5))
            }
            #expect(error?.kind == .blockedAddress && error?.description == "blocked address: \(url.host)")
        }
        #expect(trap.connectionCount == 0)
    }

    @Test("SSRF-3: does not obey proxies of the environment") func proxies() async throws {
        let proxy = try await TestHTTPServer.start { _ in .text("proxied") }
        let server = try await TestHTTPServer.start { _ in .text("direct") }
        for name in ["http_proxy", "all_proxy", "ALL_PROXY"] { setenv(name, proxy.url, 1) }
        defer { for name in ["http_proxy", "all_proxy", "ALL_PROXY"] { unsetenv(name) } }
        #expect(try await Self.fetcher(for: server).send(FetchRequest(url: server.url)).body == Array("direct".utf8))
        #expect(proxy.connectionCount == 0)
    }

    @Test("SSRF-9: trusts only certificates of its authorities, for the right name") func certificates() async throws {
        let authority = try TestAuthority()
        let credential = try authority.issue(names: "IP:127.0.0.1")
        let wrong = try authority.issue(names: "DNS:example.com")
        let time = SystemTime()
        for (certificate, trusted, expected) in [
            (credential, authority.certificatePath, nil), (credential, nil, .tlsError),
            (wrong, authority.certificatePath, .tlsError),
        ] as [(TestAuthority.Credential, String?, FetchError.Kind?)] {
            let server = try TLSServer(certificate)
            defer { server.stop() }
            let allowed = Set([AllowedEndpoint("127.0.0.1:\(server.port)")].compactMap { $0 })
            let fetcher = try Fetcher(allowed: allowed, trustedCertificatesPath: trusted, time: time)
            #expect(await Self.kind(fetcher, FetchRequest(url: "https://127.0.0.1:\(server.port)/")) == expected)
        }
    }

    @Test("ends a transfer when its task is cancelled") func cancellation() async throws {
        let server = try await TestHTTPServer.start { _ in .silence }
        let fetcher = try Self.fetcher(for: server)
        let task = Task { await Self.kind(fetcher, FetchRequest(url: server.url)) }
        await server.waitForRequests(1)
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    @Test("ends everything when it is closed") func close() async throws {
        let server = try await TestHTTPServer.start { _ in .silence }
        let fetcher = try Self.fetcher(for: server)
        let task = Task { await Self.kind(fetcher, FetchRequest(url: server.url)) }
        await server.waitForRequests(1)
        fetcher.close()
        #expect(await task.value == .cancelled)
        #expect(await Self.kind(fetcher, FetchRequest(url: server.url)) == .cancelled)
    }

    @Test("keeps four connections per owner and host, and lets another owner through") func bulkhead() async throws {
        let server = try await TestHTTPServer.start { $0.target == "/slow" ? .silence : .text("quick") }
        let fetcher = try Self.fetcher(for: server, limits: Self.limits { $0.waiting = 2 })
        let slow = (0..<6).map { _ in
            Task { await Self.kind(fetcher, FetchRequest(url: server.url + "/slow", owner: "a")) }
        }
        await server.waitForRequests(4)
        #expect(try await fetcher.send(FetchRequest(url: server.url + "/quick", owner: "b")).status == 200)
        #expect(server.connectionCount == 5)
        for task in slow { task.cancel() }
        for task in slow { #expect(await task.value == .cancelled) }
    }

    @Test("does not share connections between requests; an endpoint's are kept") func reuse() async throws {
        let server = try await TestHTTPServer.start { _ in .text("") }
        let fetcher = try Self.fetcher(for: server)
        for _ in 0..<3 { _ = try await fetcher.send(FetchRequest(url: server.url)) }
        #expect(server.connectionCount == 3)
        let endpoints = try EndpointFetcher(time: SystemTime())
        for _ in 0..<3 { _ = try await endpoints.send(FetchRequest(url: server.url)) }
        #expect(server.connectionCount == 4)
    }

    @Test("OVL-7: leaves a host alone that failed five times in a row") func breaker() async throws {
        let server = try await TestHTTPServer.start { _ in .bytesThenClose([]) }
        let fetcher = try Self.fetcher(for: server)
        for _ in 0..<5 { #expect(await Self.kind(fetcher, FetchRequest(url: server.url)) == .badResponse) }
        #expect(await Self.kind(fetcher, FetchRequest(url: server.url)) == .couldNotConnect)
        #expect(await Self.kind(fetcher, FetchRequest(url: server.url, owner: "other")) == .badResponse)
        #expect(server.requests.count == 6)
    }

    @Test("serves many at once") func many() async throws {
        let server = try await TestHTTPServer.start { .text($0.target) }
        let endpoints = try EndpointFetcher(time: SystemTime())
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<300 {
                group.addTask {
                    try await endpoints.send(FetchRequest(url: server.url + "/\(index)")).body
                        == Array("/\(index)".utf8)
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(server.connectionCount <= 64)
    }
}

/// `openssl s_server` on a free port.
private final class TLSServer {
    let port: Int
    private let process = Process()
    private let input = Pipe()

    struct NoPort: Error {}

    init(_ credential: TestAuthority.Credential) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", credential.chainPath, "-key",
            credential.keyPath,
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = input
        try process.run()
        var text = ""
        while !text.contains("ACCEPT") || !text.hasSuffix("\n") {
            let chunk = output.fileHandleForReading.availableData
            guard !chunk.isEmpty else { throw NoPort() }
            text += String(decoding: chunk, as: UTF8.self)
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix("ACCEPT") } ?? ""
        guard let port = line.split(separator: ":").last.flatMap({ Int($0) }) else { throw NoPort() }
        self.port = port
    }

    func stop() {
        // A test process may have SIGTERM blocked, and its children then too.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
