import ArgumentParser

/// `avsctl store`: the files of a database, without its server or beside it.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Looks into the files of a database.",
        discussion: """
            Only recover --accept-loss, accept-rollback, backfill-wallet-salt-index and check --repair --yes write to \
            them, and only to those of a stopped server. The others work on a stopped server's files and beside a \
            running one. Of a damaged database they show what is there, say what is wrong on standard error, and end \
            with 65.
            """,
        subcommands: [
            StoreList.self, StoreGet.self, StoreStat.self, StoreDiffCommand.self, StoreCheckCommand.self,
            StoreRecover.self, StoreAcceptRollback.self, StoreBackfillWallets.self,
        ])
}
