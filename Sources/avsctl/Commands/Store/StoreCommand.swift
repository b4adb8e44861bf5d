import ArgumentParser

/// `avsctl store`: the files of a database, without its server or beside it.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Looks into the files of a database.",
        discussion: """
            Only accept-rollback, backfill-wallet-salt-index and check --repair --yes write to them, and only to those of a \
            stopped server. The others work on a stopped server's files and beside a running one. Of a damaged database it shows what is there, \
            says what is wrong on standard error, and ends with 65.
            """,
        subcommands: [
            StoreList.self, StoreGet.self, StoreStat.self, StoreCheckCommand.self, StoreAcceptRollback.self,
            StoreBackfillWallets.self,
        ])
}
