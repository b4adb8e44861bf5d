import Testing

@testable import AVSFetch

@Suite("A fetch error")
struct FetchErrorTests {
    @Test(
        "SSRF-12: says what happened and to which host, and nothing of the inside",
        arguments: [
            (.blockedAddress, "blocked address: example.com"),
            (.couldNotConnect, "network error: could not connect: example.com"), (.timeout, "timeout: example.com"),
            (.tlsError, "TLS error: example.com"),
            (.tooLarge(limitBytes: 10), "too large (more than 10 bytes): example.com"),
            (.badResponse, "bad response: example.com"),
        ] as [(FetchError.Kind, String)])
    func texts(kind: FetchError.Kind, text: String) {
        #expect(FetchError(kind, host: "example.com", detail: "10.0.0.1").description == text)
    }
}
