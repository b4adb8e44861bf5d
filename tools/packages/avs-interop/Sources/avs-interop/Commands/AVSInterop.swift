import ArgumentParser

/// The test service and its clients, as programs for `tools/interop` and `tools/soak`.
@main
struct AVSInterop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "avs-interop",
        abstract: "grpc.testing.TestService, as server and as client, over the transport of this repository.",
        discussion: """
            tools/interop and tools/soak start these; by hand:

              avs-interop serve --port 20001 &
              avs-interop cases --target 127.0.0.1:20001 --only large_unary

            Results are JSON, one object a line, on standard output.
            """,
        subcommands: [ServeCommand.self, CasesCommand.self, LoadCommand.self, ChurnCommand.self])
}
