import AVSClient
import AVSPrimitives
import AVSProto
import ArgumentParser

/// `avsctl audit`
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Shows what administrators did, and checks that nothing of it was changed.",
        discussion: """
            Each change by an administrator is an entry that holds the digest of the one before it.
            \(AdminConnection.help)
            """,
        subcommands: [AuditList.self, AuditVerify.self])
}

/// `avsctl audit list`
struct AuditList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists all entries, the oldest first.",
        discussion: """
            Prints id, time, who, from where, what, to what, and what was there before and after. With --json also the \
            digests, which makes it the export.
            Example:
              avsctl audit list --json -c aggregator.yaml > audit.jsonl
            """)

    @Option(name: .long, help: "Only entries behind the one with this id.")
    var after: String?

    @OptionGroup var options: AdminOptions

    func run() async throws {
        try await options.withClient { client, output in
            var last = after ?? ""
            while true {
                let page = try await client.call(
                    Wire.AdminMethods.listAuditEntries,
                    .with {
                        $0.after = last
                        $0.limit = 1_000
                    })
                for entry in page.items { try output.line(options.printer.row(entry)) }
                guard page.hasMore, let newest = page.items.last?.id else { break }
                last = newest
            }
        }
    }
}

/// `avsctl audit verify`
struct AuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks the chain of all entries.",
        discussion: """
            Ends with 65 if an entry was changed, removed or put in between. What was cut off at the end it cannot \
            tell: compare the last digest, which it prints, with an earlier one of yours.
            Example:
              avsctl audit verify -c aggregator.yaml
            """)

    @OptionGroup var options: AdminOptions

    func run() async throws {
        try await options.withClient { client, output in
            var (last, digest, count) = ("", "", 0)
            while true {
                let page = try await client.call(
                    Wire.AdminMethods.listAuditEntries,
                    .with {
                        $0.after = last
                        $0.limit = 1_000
                    })
                guard page.isIntact else {
                    throw Failure(.damaged, "the chain is broken behind entry \(last.isEmpty ? "(the first)" : last)")
                }
                count += page.items.count
                if let newest = page.items.last { (last, digest) = (newest.id, newest.digest) }
                guard page.hasMore, !page.items.isEmpty else { break }
            }
            let result: JSONValue = ["entries": .string("\(count)"), "last": .string(last), "digest": .string(digest)]
            try output.line(options.output.json ? result.serialized : "\(count)\t\(last)\t\(digest)")
        }
    }
}
