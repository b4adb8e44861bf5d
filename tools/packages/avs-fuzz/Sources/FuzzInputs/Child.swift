package import Foundation

/// This program once more, in a process that may die of what it does.
package struct Child {
    package let output: String
    /// How it ended, if not well: `signal 4`, `exit status 66`.
    package let failure: String?
    package let seconds: Double

    /// Runs it to its end. Its standard error is ours.
    package static func run(_ arguments: [String]) throws -> Child {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        let start = ContinuousClock.now
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let isClean = process.terminationReason == .exit && process.terminationStatus == 0
        let how = process.terminationReason == .exit ? "exit status" : "signal"
        return Child(
            output: text.trimmingCharacters(in: .whitespacesAndNewlines),
            failure: isClean ? nil : "\(how) \(process.terminationStatus)",
            seconds: (ContinuousClock.now - start) / .seconds(1))
    }
}

/// What the workers of a child are at: a number for each, in a file that outlives the child.
package struct ProgressFile {
    package let file: URL

    package init(in folder: URL, places: Int) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        file = folder.appendingPathComponent("progress-\(ProcessInfo.processInfo.processIdentifier)")
        try Data(count: 8 * places).write(to: file)
    }

    /// The numbers as they stand.
    package var numbers: [UInt64] {
        get throws {
            let bytes = [UInt8](try Data(contentsOf: file))
            return stride(from: 0, to: bytes.count - 7, by: 8).map { place in
                bytes[place..<(place + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }  // as memory has it
            }
        }
    }

    package func remove() {
        do { try FileManager.default.removeItem(at: file) } catch { return }
    }
}

package func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

/// A row of the report: name, inputs, seconds, inputs a second.
package func reportLine(_ name: String, _ inputs: UInt64, _ seconds: Double) -> String {
    let rate = seconds > 0 ? Int(Double(inputs) / seconds) : 0
    let columns = [("\(inputs)", 12), ("\(Int(seconds))", 6), ("\(rate)", 10)].map { text, width in
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
    let padding = String(repeating: " ", count: max(1, 18 - name.count))
    return "\(name)\(padding)\(columns[0]) inputs \(columns[1]) s \(columns[2])/s"
}

/// An input that did what none may do.
package struct Finding: Error, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}
