import AVSClient
import AVSModel
import AVSPrimitives

extension AnswerPrinter {
    var wallets: ListPrinter<SmartWallet> {
        ListPrinter(isJSON: isJSON, "WALLET", "SALT", "STATE") { wallet in
            [wallet.address.checksummed, "\(wallet.salt)", wallet.isHidden ? "hidden" : "shown"]
        } json: {
            .object(Self.fields($0))
        }
    }

    func wallet(_ summary: WalletSummary) -> [String] {
        let (wallet, counts) = (summary.wallet, Self.counts(summary))
        var object = Self.fields(wallet)
        for (name, count) in counts { object["\(name)TaskCount"] = .string(count) }
        let facts = [
            ("wallet", wallet.address.checksummed), ("salt", "\(wallet.salt)"),
            ("factory", wallet.factory?.checksummed ?? "not recorded"), ("state", wallet.isHidden ? "hidden" : "shown"),
        ]
        return self.facts(facts + counts.map { ("\($0) tasks", $1) }, .object(object))
    }

    private static func counts(_ summary: WalletSummary) -> [(String, String)] {
        [
            ("total", "\(summary.taskCount)"), ("enabled", "\(summary.enabledTaskCount)"),
            ("completed", "\(summary.completedTaskCount)"), ("failed", "\(summary.failedTaskCount)"),
            ("disabled", "\(summary.disabledTaskCount)"), ("canceled", "\(summary.canceledTaskCount)"),
        ]
    }

    private static func fields(_ wallet: SmartWallet) -> [String: JSONValue] {
        [
            "address": .string(wallet.address.checksummed), "salt": .string("\(wallet.salt)"),
            "factory": wallet.factory.map { .string($0.checksummed) } ?? .null, "isHidden": .bool(wallet.isHidden),
        ]
    }

    func nonce(_ nonce: UInt256, of address: Address) -> String {
        guard isJSON else { return "\(nonce)" }
        return JSONValue.object(["address": .string(address.checksummed), "nonce": .string("\(nonce)")]).serialized
    }

    func withdrawal(_ sent: SentWithdrawal) -> [String] {
        let status = sent.isConfirmed ? "confirmed" : "pending"
        return facts(
            [
                ("status", status), ("user operation", sent.userOperation.hex),
                ("transaction", sent.transaction?.hex ?? "not known yet"),
            ],
            [
                "status": .string(status), "message": .string(sent.message),
                "userOpHash": .string(sent.userOperation.hex),
                "transactionHash": .string(sent.transaction?.hex ?? ""),
            ])
    }
}
