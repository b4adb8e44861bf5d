import AVSHTTP2

/// What is counted by name, from closed sets: the names may be labels of a metric (LOG-5). The log has the full text.
extension TransportStatistics {
    /// Every key of ``connectionsRefused`` and ``goAwaysSent``.
    public static let reasons: Set<String> = Set(own)
        .union(AbuseGuard.Violation.allCases.map(\.rawValue))
        .union((0...13).map { HTTP2ErrorCode(rawValue: $0).description })

    /// Every key of ``handshakesFailed``.
    public static let handshakeFailures: Set<String> = ["timeout", "too_many", "certificate", "alpn", "closed", "tls"]

    /// ``frames``, each kind under its name; always the same kinds.
    public var framesByKind: [String: Int] {
        [
            "resets_received": frames.resetsReceived, "resets_provoked": frames.resetsProvoked,
            "invalid": frames.invalidFrames, "settings": frames.settings, "pings": frames.pings,
            "empty_data": frames.emptyData, "tiny_data": frames.tinyData, "idle": frames.idleFrames,
            "window_updates": frames.windowUpdates, "data_sent": frames.dataSent, "headers_sent": frames.headersSent,
            "oversized_headers": frames.oversizedHeaders,
        ]
    }

    private static let own = [
        "not_http2", "preface_timeout", "settings_timeout", "headers_timeout", "too_many_queued_frames", "stream_ids",
        "buffers_full", "max_idle", "max_age", "max_age_grace", "shutdown", other,
    ]

    /// What fits none of them, such as a text of libnghttp2.
    private static let other = "other"

    /// The reason under which a text of the log is counted.
    static func reason(_ text: String) -> String {
        if reasons.contains(text) || handshakeFailures.contains(text) { return text }
        return texts[text] ?? other
    }

    private static let texts = [
        "the peer does not speak HTTP/2 with prior knowledge": "not_http2",
        "no HTTP/2 preface in time": "preface_timeout",
        "our SETTINGS were not acknowledged in time": "settings_timeout",
        "a header section did not end in time": "headers_timeout",
        "the peer does not read what it causes": "too_many_queued_frames",
        "the connection was too old": "max_age_grace",
    ]
}
