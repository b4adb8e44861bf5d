import AVSScriptEngine

/// The process in which scripts of tasks run. The aggregator starts it with one end of a socket pair as descriptor 0
/// and nothing else open; it is of no use to anybody else.
@main
enum ScriptWorkerCommand {
    static func main() { ScriptWorker.run(arguments: CommandLine.arguments) }
}
