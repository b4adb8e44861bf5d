public import AVSPrimitives

extension AggregatorConfiguration {
    /// The reference's keys of EigenLayer, Tenderly, Moralis and Sentry. Each is optional; what needs a missing one
    /// says so when it is used.
    public struct External: Hashable, Sendable {
        /// `ecdsa_private_key`.
        public var privateKey: Sensitive<String>?
        /// `eth_rpc_url`: the chain of the operators' registry.
        public var eigenLayerRPC: EndpointURL?
        /// `eth_ws_url`.
        public var eigenLayerWebSocket: EndpointURL?
        public var operatorStateRetriever: Address?
        public var registryCoordinator: Address?
        /// `ap_config_address`: which alias signs for which operator (aggregator-api 3.5). Nil takes the public one of
        /// the chain behind ``eigenLayerRPC``.
        public var aliasRegistry: Address?
        public var sentryDSN: EndpointURL?
        public var tenderlyAccount: String?
        public var tenderlyProject: String?
        public var tenderlyAccessKey: Sensitive<String>?
        /// Of the service that knows balances and prices; the environment variable `MORALIS_API_KEY` where the file has
        /// none. Without either, balances are those that the chain tells, and prices are fixed.
        public var moralisAPIKey: Sensitive<String>?
        /// `moralis_url`: where that service is, up to its version. Nil takes the public one.
        public var moralisURL: EndpointURL?
        /// Accepted and not used: avsctl takes the place of the reference's REPL (ADM-2).
        public var socketPath: String?
        /// Accepted and not used, as in the reference.
        public var etherscanURL: EndpointURL?
        /// Accepted and not used, as in the reference.
        public var eigenLayerURL: EndpointURL?

        init() {}
    }
}
