import AVSPrimitives

// What works, but should be known.
extension AggregatorConfiguration {
    /// Private keys in a text file are accepted for compatibility (KMS-8).
    func warnOfKeys(_ context: SectionContext) {
        let hint = "a private key in a configuration: prefer a keystore, made by `avs-operator keys import`"
        if external.privateKey != nil { context.warn("ecdsa_private_key", hint) }
        if controller.privateKey != nil {
            let isOld = !context.child("controller").isGiven("private_key")
            let place = isOld ? context.child("smart_wallet") : context.child("controller")
            place.warn(isOld ? "controller_private_key" : "private_key", hint)
        }
    }

    /// Parts of a whole that means nothing without the rest.
    func warnOfParts(_ context: SectionContext) {
        let tenderly = [external.tenderlyAccount, external.tenderlyProject, external.tenderlyAccessKey?.exposed]
        if tenderly.contains(nil), tenderly.contains(where: { $0 != nil }) {
            let keys = ["tenderly_account", "tenderly_project", "tenderly_access_key"]
            let first = keys.first { context.isGiven($0) } ?? keys[0]
            context.warn(first, "Tenderly needs \(keys.joined(separator: ", ")); with a part of them it is not used")
        }
    }
}
