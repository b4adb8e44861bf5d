"""A development chain: a real EVM behind Ethereum's JSON-RPC, on this machine only."""
