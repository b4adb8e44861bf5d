import AVSPrimitives
import Foundation

/// Lines on standard output, each written at once: whoever started this program waits for them.
enum Output {
    static func line(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    static func line(_ json: JSONValue) { line(json.serialized) }
}

extension Duration {
    var inSeconds: Double { self / .seconds(1) }
}
