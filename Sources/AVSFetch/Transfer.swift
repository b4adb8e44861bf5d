import CCurl
import Glibc

/// How transfers of one fetcher are set up.
struct TransferSettings: Sendable {
    var limits: FetchLimits
    /// A file of certificates to trust in place of the system's.
    var trustedCertificatesPath: String?
    /// Each request gets a connection of its own, so that nothing is shared between owners (SSRF-8).
    var isolatesRequests: Bool
    var userAgent: String
}

/// One hop under way: a libcurl easy handle and what has come in. Lives on the fetcher's thread.
@safe final class Transfer {
    private enum Violation {
        case blockedAddress
        case tooLarge(limitBytes: Int)
    }

    /// Owned; libcurl calls back with `self` unretained, so whoever has added the handle keeps the transfer.
    let easy: OpaquePointer
    private let hop: Hop
    private let limits: FetchLimits
    private let rule: AddressRule
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var status = 0
    private var headers: [FetchHeader] = []
    private var headerBytes = 0
    private var headerLines = 0
    private var body: [UInt8] = []
    private var hasOpenedSocket = false
    private var violation: Violation?

    /// - Parameter timeout: what is left for this hop.
    init?(_ hop: Hop, rule: AddressRule, settings: TransferSettings, timeout: Duration) {
        guard let easy = unsafe curl_easy_init() else { return nil }
        unsafe self.easy = easy
        self.hop = hop
        limits = settings.limits
        self.rule = rule
        unsafe headerList = nil
        configure(settings, timeout: timeout)
        configureRequest()
        configureCallbacks()
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe curl_slist_free_all(headerList)
    }

    /// What became of the transfer that libcurl ended with `code`.
    func outcome(_ code: CURLcode) -> Result<FetchResponse, FetchError> {
        let host = hop.url.host
        switch violation {
        case .tooLarge(let limitBytes):
            return .failure(FetchError(.tooLarge(limitBytes: limitBytes), host: host, mayHaveArrived: true))
        case .blockedAddress where code != CURLE_OK && !hasOpenedSocket:
            return .failure(FetchError(.blockedAddress, host: host))
        case .blockedAddress, nil: break
        }
        guard code == CURLE_OK else {
            let detail = unsafe "\(String(cString: curl_easy_strerror(code))) (\(code.rawValue))"
            var sentBytes = 0
            _ = unsafe CCurl_getLong(easy, CURLINFO_REQUEST_SIZE, &sentBytes)
            return .failure(
                FetchError(
                    Self.kind(of: code, hasSent: sentBytes > 0), host: host, detail: detail,
                    mayHaveArrived: sentBytes > 0))
        }
        return .success(FetchResponse(status: status, headers: plainHeaders(), body: body, url: hop.url.text))
    }

    private static func kind(of code: CURLcode, hasSent: Bool) -> FetchError.Kind {
        switch code {
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            .tlsError
        // After sending, libcurl calls a response of another protocol so.
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: hasSent ? .badResponse : .invalidURL
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: .couldNotConnect
        default: hasSent ? .badResponse : .couldNotConnect
        }
    }

    /// libcurl decompressed the body: what described the compressed one is gone.
    private func plainHeaders() -> [FetchHeader] {
        let coding = headers.first { $0.isNamed("content-encoding") }?.value.lowercased()
        guard coding == "gzip" || coding == "deflate" || coding == "x-gzip" else { return headers }
        return headers.filter { !$0.isNamed("content-encoding") && !$0.isNamed("content-length") }
    }
}

// MARK: Setting up

extension Transfer {
    private func configure(_ settings: TransferSettings, timeout: Duration) {
        unsafe hop.url.withHandle { _ = unsafe CCurl_setPointer(easy, CURLOPT_CURLU, UnsafeMutableRawPointer($0)) }
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_NOSIGNAL, 1)
        // Without this, http_proxy in the environment would take the place of the address that we judge (SSRF-3).
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NETRC, 0)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let path = settings.trustedCertificatesPath { set(CURLOPT_CAINFO, path) }
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate")
        set(CURLOPT_USERAGENT, settings.userAgent)
        set(CURLOPT_CONNECTTIMEOUT_MS, settings.limits.connectTimeout.wholeMilliseconds)
        set(CURLOPT_TIMEOUT_MS, timeout.wholeMilliseconds)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        if settings.isolatesRequests {
            set(CURLOPT_FRESH_CONNECT, 1)
            set(CURLOPT_FORBID_REUSE, 1)
            set(CURLOPT_SSL_SESSIONID_CACHE, 0)
        }
    }

    private func configureRequest() {
        var lines = hop.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        let sendsBody = hop.method != "HEAD" && (!hop.body.isEmpty || ["POST", "PUT", "PATCH"].contains(hop.method))
        if sendsBody {
            // The size first: the bytes are copied by it.
            _ = unsafe CCurl_setOffset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(hop.body.count))
            let bytes = hop.body.isEmpty ? [0] : hop.body
            unsafe bytes.withUnsafeBytes { bytes in
                let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                _ = unsafe CCurl_setPointer(easy, CURLOPT_COPYPOSTFIELDS, start)
            }
            // A line without value takes out what libcurl would add.
            if !hop.headers.contains(where: { $0.isNamed("content-type") }) { lines.append("Content-Type:") }
        }
        if hop.method == "HEAD" { set(CURLOPT_NOBODY, 1) } else { set(CURLOPT_CUSTOMREQUEST, hop.method) }
        lines.append("Expect:")
        for line in lines { unsafe headerList = curl_slist_append(headerList, line) ?? headerList }
        _ = unsafe CCurl_setPointer(easy, CURLOPT_HTTPHEADER, headerList)
    }

    private func configureCallbacks() {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        _ = unsafe CCurl_setPointer(easy, CURLOPT_WRITEDATA, context)
        _ = unsafe CCurl_setReceive(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let transfer = unsafe Transfer.recover(context) else { return 0 }
            let chunk = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe transfer.receiveBody(chunk) ? chunk.count : 0
        }
        _ = unsafe CCurl_setPointer(easy, CURLOPT_HEADERDATA, context)
        _ = unsafe CCurl_setReceive(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let transfer = unsafe Transfer.recover(context) else { return 0 }
            let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe transfer.receiveHeader(Array(line)) ? line.count : 0
        }
        _ = unsafe CCurl_setPointer(easy, CURLOPT_OPENSOCKETDATA, context)
        _ = unsafe CCurl_setOpenSocket(easy) { context, _, address in
            guard let transfer = unsafe Transfer.recover(context), let address = unsafe address else {
                return CURL_SOCKET_BAD
            }
            return unsafe transfer.openSocket(address)
        }
    }

    private func set(_ option: CURLoption, _ value: Int) { _ = unsafe CCurl_setLong(easy, option, value) }

    private func set(_ option: CURLoption, _ value: String) { _ = unsafe CCurl_setString(easy, option, value) }
}

// MARK: Callbacks. They record; the fetcher's thread acts when libcurl has returned.

extension Transfer {
    /// - Parameter context: what this transfer gave to libcurl as its own address, or nothing; it lives as long as its
    ///   handle, in whose callbacks alone this is called.
    @unsafe fileprivate static func recover(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    /// False ends the transfer.
    @unsafe fileprivate func receiveBody(_ chunk: UnsafeRawBufferPointer) -> Bool {
        guard chunk.count <= limits.responseBodyBytes - body.count else {
            violation = .tooLarge(limitBytes: limits.responseBodyBytes)
            return false
        }
        if body.isEmpty {
            // From the first byte on the body must flow (SSRF-8); before it, the server may think.
            set(CURLOPT_LOW_SPEED_LIMIT, 100)
            set(CURLOPT_LOW_SPEED_TIME, 10)
        }
        unsafe body.append(contentsOf: chunk)
        return true
    }

    /// One line with its end; false ends the transfer.
    fileprivate func receiveHeader(_ line: [UInt8]) -> Bool {
        headerBytes += line.count
        headerLines += 1
        guard headerBytes <= limits.responseHeaderBytes, headerLines <= limits.responseHeaderLines else {
            violation = .tooLarge(limitBytes: limits.responseHeaderBytes)
            return false
        }
        if line.starts(with: "HTTP/".utf8) {
            // Interim responses come first; only the last one counts.
            headers = []
            var code = 0
            _ = unsafe CCurl_getLong(easy, CURLINFO_RESPONSE_CODE, &code)
            status = code
        } else if body.isEmpty, let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a }
            var value = line[(colon + 1)...].drop(while: isSpace)
            while value.last.map(isSpace) ?? false { value.removeLast() }
            headers.append(
                FetchHeader(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        return true
    }

    /// Opens the socket for an address, or refuses the address.
    @unsafe fileprivate func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        let isPermitted = unsafe withUnsafePointer(to: &address.pointee.addr) { pointer in
            unsafe IPAddress.read(pointer).map { rule.permits($0, port: $1) } ?? false
        }
        guard isPermitted else {
            violation = violation ?? .blockedAddress
            return CURL_SOCKET_BAD
        }
        hasOpenedSocket = true
        // Not to be inherited: the server starts other programs.
        return unsafe socket(
            address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
    }
}

extension Duration {
    /// At least 1, since libcurl takes 0 as *no limit*.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        let day: Int64 = 86_400
        return max(1, Int(min(max(seconds, 0), day)) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
