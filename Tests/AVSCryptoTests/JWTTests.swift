import AVSPrimitives
import Testing

@testable import AVSCrypto

@Suite("A token")
struct JWTTests {
    static let now = Timestamp(seconds: 1_776_000_000)
    static let claims = JWTClaims(
        issuer: "AvaProtocol", subject: "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", audience: ["11155111"],
        expiresAt: 1_776_086_400)

    private func signer(
        _ text: String = "a secret of more than thirty-two bytes", previous: String? = nil
    ) throws -> JWT {
        try JWT(secret: SharedSecret(password(text)), previous: previous.map { SharedSecret(try password($0)) })
    }

    /// A token with any header and payload and a valid MAC: what somebody with our secret could send.
    private func forge(header: String = #"{"alg":"HS256","typ":"JWT"}"#, payload: String) throws -> String {
        let signed = Base64.encodeURL(Array(header.utf8)) + "." + Base64.encodeURL(Array(payload.utf8))
        let code = try HMACSHA256.authenticate(
            Array(signed.utf8), key: password("a secret of more than thirty-two bytes"))
        return signed + "." + Base64.encodeURL(code.bytes)
    }

    @Test("of RFC 7515 A.1 is verified")
    func published() throws {
        let key = try #require(
            Base64.decodeURL("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
        let token =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        let verifier = try JWT(secret: SharedSecret(SecretBytes(copying: key)))
        let claims = try verifier.verify(token, at: Timestamp(seconds: 1_300_819_379))
        #expect(claims == JWTClaims(issuer: "joe", expiresAt: 1_300_819_380))
        #expect(throws: JWTError.expired(at: 1_300_819_380)) {
            try verifier.verify(token, at: Timestamp(seconds: 1_300_819_380))
        }
    }

    @Test("that we sign, we verify, with every claim")
    func roundTrip() throws {
        let signer = try signer()
        var claims = Self.claims
        claims.roles = ["admin", "readonly"]
        claims.notBefore = 1_775_999_999
        #expect(try signer.verify(signer.sign(claims), at: Self.now) == claims)
        #expect(try signer.sign(Self.claims).hasPrefix("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."))
    }

    @Test("says exactly what the wire contract says")
    func payload() {
        #expect(
            Self.claims.payload == #"{"aud":["11155111"],"exp":1776086400,"iss":"AvaProtocol","#
                + #""sub":"0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"}"#)
    }

    @Test("ends at the second of exp, without leeway, and begins at nbf")
    func times() throws {
        let signer = try signer()
        var claims = Self.claims
        claims.notBefore = 1_776_000_000
        let token = try signer.sign(claims)
        let end = Timestamp(seconds: claims.expiresAt)
        #expect(throws: Never.self) { try signer.verify(token, at: Timestamp(milliseconds: end.milliseconds - 1)) }
        #expect(throws: JWTError.expired(at: claims.expiresAt)) { try signer.verify(token, at: end) }
        #expect(throws: Never.self) { try signer.verify(token, at: Self.now) }
        #expect(throws: JWTError.notYetValid(before: 1_776_000_000)) {
            try signer.verify(token, at: Timestamp(milliseconds: Self.now.milliseconds - 1))
        }
    }

    @Test("JWT-5 of the previous secret is still accepted, of an older one not")
    func rotation() throws {
        let old = try signer("old secret")
        let rotated = try signer("new secret", previous: "old secret")
        #expect(try rotated.verify(old.sign(Self.claims), at: Self.now) == Self.claims)
        #expect(throws: JWTError.wrongSignature) { try old.verify(rotated.sign(Self.claims), at: Self.now) }
        #expect(throws: JWTError.wrongSignature) {
            try signer("newest", previous: "new secret").verify(old.sign(Self.claims), at: Self.now)
        }
    }

    @Test("JWT-5, T10 tells how strong its secrets are, and an empty one is refused")
    func strength() throws {
        #expect(throws: JWTError.emptySecret) { try signer("") }
        #expect(throws: JWTError.emptySecret) { try signer("not empty", previous: "") }
        #expect(try signer(String(repeating: "x", count: 15)).secretStrength == .weak)
        #expect(try signer(String(repeating: "x", count: 16)).secretStrength == .short)
        #expect(try signer(String(repeating: "x", count: 31)).secretStrength == .short)
        #expect(try signer(String(repeating: "x", count: 32)).secretStrength == .good)
        #expect(try signer(String(repeating: "x", count: 32), previous: "short").secretStrength == .weak)
    }

    @Test(
        "T09, JWT-2 with another header is refused although its MAC is right",
        arguments: [
            #"{"alg":"none"}"#, #"{"alg":"HS384","typ":"JWT"}"#, #"{"alg":"HS512"}"#, #"{"alg":"RS256"}"#,
            #"{"alg":"hs256"}"#,
            #"{"typ":"JWT"}"#, #"{"alg":null}"#, #"{"alg":["HS256"]}"#, #"{"alg":"HS256","typ":"JWS"}"#,
            #"{"alg":"HS256","typ":1}"#, #"{"alg":"HS256","crit":["exp"]}"#, #"{"alg":"HS256","crit":null}"#,
            #"{"alg":"HS256","alg":"HS256"}"#, #"{"alg":"HS256","kid":7}"#, #"["HS256"]"#, #"{"alg":"HS256"} "x""#, "",
            "{",
        ])
    func headers(header: String) throws {
        let token = try forge(header: header, payload: #"{"exp":1776086400}"#)
        #expect {
            try signer().verify(token, at: Self.now)
        } throws: { error in
            switch error as? JWTError {
            case .unsupportedHeader: true
            case .malformed: header.isEmpty
            default: false
            }
        }
    }

    @Test(
        "JWT-2 ignores key hints of the header",
        arguments: [
            #"{"alg":"HS256"}"#, #"{"alg":"HS256","kid":"1"}"#, #"{"alg":"HS256","jwk":{"kty":"oct","k":"AA"}}"#,
            #"{"alg":"HS256","jku":"http://127.0.0.1/","x5u":"http://127.0.0.1/"}"#,
        ])
    func keyHints(header: String) throws {
        let token = try forge(header: header, payload: #"{"exp":1776086400}"#)
        #expect(throws: Never.self) { try signer().verify(token, at: Self.now) }
    }

    @Test(
        "T09, JWT-4 with other claims is refused although its MAC is right",
        arguments: [
            "{}", "[]", "1", "", "{", #"{"exp":1776086400.5}"#, #"{"exp":-1}"#, #"{"exp":"1776086400"}"#,
            #"{"exp":null}"#,
            #"{"exp":1e400}"#, #"{"exp":9007199254740993000}"#, #"{"exp":1776086400,"exp":1776086400}"#,
            #"{"exp":1776086400,}"#, #"{"exp":1776086400} {}"#, #"{"exp":1776086400,"nbf":"1"}"#,
            #"{"exp":1776086400,"sub":1}"#, #"{"exp":1776086400,"iss":[]}"#, #"{"exp":1776086400,"aud":1}"#,
            #"{"exp":1776086400,"aud":["1",1]}"#, #"{"exp":1776086400,"roles":"admin"}"#,
            #"{"exp":1776086400,"roles":[1]}"#, #"{"exp":1776086400,"a":\#(String(repeating: "[", count: 500))"#,
        ])
    func badClaims(payload: String) throws {
        let token = try forge(payload: payload)
        #expect {
            try signer().verify(token, at: Self.now)
        } throws: { error in
            switch error as? JWTError {
            case .malformedClaims: true
            case .malformed: payload.isEmpty
            default: false
            }
        }
    }

    @Test("may give one audience without an array")
    func audience() throws {
        #expect(try signer().verify(forge(payload: #"{"exp":1776086400,"aud":"1"}"#), at: Self.now).audience == ["1"])
    }

    @Test("JWT-3 checks the MAC before it reads a byte of JSON")
    func macFirst() throws {
        let header = Base64.encodeURL(Array("{".utf8))
        let code = Base64.encodeURL([UInt8](repeating: 0, count: 32))
        #expect(throws: JWTError.wrongSignature) { try signer().verify("\(header).\(header).\(code)", at: Self.now) }
        #expect(throws: JWTError.wrongSignature) { try signer().verify("\(header).\(header).AA", at: Self.now) }
    }

    @Test("JWT-1 has three parts of canonical base64url")
    func canonical() throws {
        let signer = try signer()
        let token = try signer.sign(Self.claims)
        let wrong = [
            "", ".", "..", "a.b", token + ".", token + ".AA", "." + token, token + "=", token + " ", "\n" + token,
            token.replacing(".", with: "。"), token.replacing("_", with: "/").replacing("-", with: "+") + "+",
        ]
        for text in wrong {
            #expect {
                try signer.verify(text, at: Self.now)
            } throws: {
                if case JWTError.malformed = $0 { true } else { false }
            }
        }
    }

    @Test("JWT-1 has one text: the 43rd character of its MAC has two bits that must be zero")
    func oneText() throws {
        let signer = try signer()
        let token = try signer.sign(Self.claims)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        let accepted = alphabet.filter { last in
            (try? signer.verify(String(token.dropLast()) + String(last), at: Self.now)) != nil
        }
        #expect(accepted == token.suffix(1))
    }

    @Test("JWT-3 has at most 4 KiB, read and written")
    func size() throws {
        let signer = try signer()
        var claims = Self.claims
        claims.subject = String(repeating: "x", count: 3100)
        #expect {
            try signer.sign(claims)
        } throws: {
            if case JWTError.tooLong = $0 { true } else { false }
        }
        #expect(throws: JWTError.tooLong(1 << 20)) {
            try signer.verify(String(repeating: ".", count: 1 << 20), at: Self.now)
        }
    }

    @Test("with any byte changed or cut is refused, and never traps")
    func damaged() throws {
        let signer = try signer()
        let token = Array(try signer.sign(Self.claims).utf8)
        for offset in token.indices {
            for mask in [0x01, 0x20, 0x80] as [UInt8] {
                var changed = token
                changed[offset] ^= mask
                let text = String(decoding: changed, as: UTF8.self)
                #expect(throws: JWTError.self) { try signer.verify(text, at: Self.now) }
            }
            let start = String(decoding: token[..<offset], as: UTF8.self)
            #expect(throws: JWTError.self) { try signer.verify(start, at: Self.now) }
        }
    }

    @Test("JWT-8 is never part of an error's text")
    func errorsAreSilent() throws {
        let secret = #"{"exp":1776086400,"hidden-key":1,"hidden-key":2}"#
        #expect {
            try signer().verify(forge(payload: secret), at: Self.now)
        } throws: {
            !"\($0)".contains("hidden")
        }
    }
}
