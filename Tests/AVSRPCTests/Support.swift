@testable import AVSRPC

/// Header fields as a dictionary would print them.
struct FieldList: FieldSink {
    var fields: [(name: String, value: String)] = []

    mutating func append(name: Span<UInt8>, value: Span<UInt8>, indexed: Bool) {
        fields.append((String(copying: name), String(copying: value)))
    }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    var names: [String] { fields.map(\.name) }
    var sizeBytes: Int { fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 } }

    static func written(_ write: (inout FieldList) -> Void) -> FieldList {
        var list = FieldList()
        write(&list)
        return list
    }
}

/// A message with its prefix.
func framed(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    let count = UInt32(message.count)
    return [flag] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + message
}

extension Array where Element == UInt8 {
    init(text: String) { self = Array(text.utf8) }
}

func requestHead(_ fields: [(String, String)], methods: [RPCMethod] = [echoMethod]) -> RequestHead {
    var head = RequestHead(methods: MethodTable(methods))
    for (name, value) in fields { head.receive(name: name.utf8Span.span, value: value.utf8Span.span) }
    return head
}

func responseFields(_ fields: [(String, String)]) -> ResponseFields {
    var head = ResponseFields()
    for (name, value) in fields { head.receive(name: name.utf8Span.span, value: value.utf8Span.span) }
    return head
}

let echoMethod = RPCMethod.unary(
    MethodPath(service: "pkg.Service", method: "Echo"), request: .bytes, response: .bytes
) { request, _ in request }

let goodHead: [(String, String)] = [
    (":method", "POST"), (":scheme", "http"), (":path", "/pkg.Service/Echo"), (":authority", "localhost:1"),
    ("te", "trailers"), ("content-type", "application/grpc"),
]
