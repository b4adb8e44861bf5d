import ArgumentParser

/// In which form results are printed: the same flag for every command.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print one JSON object per line.")
    var json = false

    /// The printer of that form. What is printed does not depend on it.
    func printer(isLong: Bool = false) -> any Printer { json ? JSONPrinter() : TextPrinter(isLong: isLong) }
}
