import AVSCrypto
import AVSPrimitives

// What one key cannot know of the others.
extension AggregatorConfiguration {
    mutating func finish(_ context: SectionContext) {
        takeSmartWallet(context)
        chains.finish(context.child("chains"))
        fillDefaults(context)
        checkTokenSecrets(context)
        checkFolders(context)
        checkListeners(context)
        checkUpdates(context)
        checkDevelopmentOnly(context)
        warnOfKeys(context)
        warnOfParts(context)
    }

    /// The reference's one chain becomes a list of one.
    private mutating func takeSmartWallet(_ context: SectionContext) {
        defer { smartWallet = nil }
        guard let smartWallet else {
            if !context.isGiven("chains") { context.refuse("chains", "is missing: wanted a list of 1 to 16 chains") }
            return
        }
        if context.isGiven("chains") {
            context.refuse("smart_wallet", "and `chains` are both given: wanted one of them")
        }
        chains = [smartWallet.chain]
        if let key = smartWallet.controllerKey {
            if controller.keystorePath != nil || controller.privateKey != nil {
                context.refuse(
                    "controller", "and `smart_wallet.controller_private_key` are both given: wanted one of them")
            }
            controller.privateKey = key
        }
        if smartWallet.walletsPerOwner > 0 {
            if context.child("limits").isGiven("wallets_per_owner") {
                let other = "`limits.wallets_per_owner`"
                context.child("smart_wallet")
                    .refuse("max_wallets_per_owner", "and \(other) are both given: wanted one of them")
            }
            limits.walletsPerOwner = smartWallet.walletsPerOwner
        }
    }

    /// Defaults that depend on the environment or on the process.
    private mutating func fillDefaults(_ context: SectionContext) {
        let facts = context.reader.facts
        if !context.isGiven("backup_dir") { backupDirectory = facts.temporaryDirectory + "/ap-avs-backup" }
        if approvedOperators.isEmpty { approvedOperators = StandardContracts.approvedOperators }
        if !context.isGiven("moralis_api_key"), let key = facts.text(of: .moralisKey) {
            external.moralisAPIKey = key
        }
        log.adapt(to: environment, context.child("log"))
        guard environment == .development else { return }
        if !context.child("script").isGiven("require_sandbox") { script.requiresSandbox = false }
        if !context.child("rpc").isGiven("reflection") { rpc.hasReflection = true }
    }

    private func checkTokenSecrets(_ context: SectionContext) {
        if jwtSecret == nil, keysDirectory == nil, !context.isGiven("jwt_secret") {
            context.refuse("jwt_secret", "is missing: wanted it here or in the file `jwt_secret` of `keys_dir`")
        }
        if jwtSecret == nil, context.isGiven("jwt_secret") {
            context.refuse("jwt_secret", "is empty: anybody could make tokens")
        }
        if previousJWTSecret == nil, context.isGiven("jwt_secret_previous") {
            context.refuse("jwt_secret_previous", "is empty: anybody could make tokens")
        }
        for (name, secret) in [("jwt_secret", jwtSecret), ("jwt_secret_previous", previousJWTSecret)] {
            guard let secret, !context.reader.facts.acceptsMarks else { continue }
            do throws(ConfigurationError) {
                let shared = try SharedSecret(text: secret.exposed, file: name)
                switch TokenSecretLength(of: shared, in: environment) {
                case .refused(let reason): context.refuse(name, reason)
                case .weak(let reason): context.warn(name, reason)
                case .enough: break
                }
            } catch {
                context.refuse(name, "\(error)")
            }
        }
    }

    /// Keys and backups must not share the fate of the database, nor be copied with it (KMS-2, BAK-5).
    private func checkFolders(_ context: SectionContext) {
        guard !databasePath.isEmpty else { return }
        let folders = [("keys_dir", keysDirectory), ("backup_dir", backupDirectory)]
        for (name, path) in folders where path.map({ FilePaths.contains(databasePath, $0) }) ?? false {
            context.refuse(name, "`\(path ?? "")` is inside `db_path`: wanted a folder outside")
        }
        if let path = backup.directory, FilePaths.contains(databasePath, path) {
            context.child("backup").refuse("backup_dir", "`\(path)` is inside `db_path`: wanted a folder outside")
        }
    }

    private func checkListeners(_ context: SectionContext) {
        if let adminAddress, !adminAddress.isLoopback {
            context.refuse(
                "admin_bind_address", "`\(adminAddress)` can be reached by others: wanted a loopback address")
        }
        let listeners = [
            ("rpc_bind_address", rpcAddress), ("admin_bind_address", adminAddress), ("http_bind_address", httpAddress),
        ].compactMap { name, place in place.map { (name, $0) } }
        for (index, (name, place)) in listeners.enumerated() where place.port != 0 {
            if let other = listeners[..<index].first(where: { $0.1 == place }) {
                context.refuse(name, "`\(place)` is also `\(other.0)`: wanted an address of its own")
            }
        }
        guard environment == .production else { return }
        if !rpcAddress.isLoopback, !tls.isOn {
            context.warn("rpc_bind_address", "others can reach it and there is no `tls`: tokens travel in the clear")
        }
        if let httpAddress, !httpAddress.isLoopback {
            context.warn("http_bind_address", "others can reach the dashboard and the metrics")
        }
        if operatorAuthentication != .enforce {
            context.warn("operator_auth", "operators are not authenticated: anybody can report triggers")
        }
    }

    /// A task is deleted with the jobs that wait for it, in one update.
    private func checkUpdates(_ context: SectionContext) {
        let most = store.batchBytes / Self.bytesOfDeletedJob
        guard limits.queuedPerTask > most else { return }
        context.child("limits").refuse(
            "queued_per_task",
            "`\(limits.queuedPerTask)` jobs cannot be deleted in one update of \(store.batchBytes) bytes: "
                + "wanted at most \(most), or a larger `store.batch_max`")
    }

    /// What the deletion of one waiting job adds to an update, at most.
    static let bytesOfDeletedJob = 128

    private func checkDevelopmentOnly(_ context: SectionContext) {
        guard environment == .production else { return }
        if !fetch.allowed.isEmpty, !context.reader.facts.allowsPrivateFetch {
            context.child("fetch").refuse(
                "allow", "lets tasks reach private addresses: in production wanted an empty list")
        }
        if fetch.hasMockHost {
            context.child("fetch").refuse("mock_host", "answers requests that nobody got: in production wanted `false`")
        }
        if limits.profile == .test {
            context.child("limits").warn("profile", "lifts the rates of callers and operators")
        }
    }
}
