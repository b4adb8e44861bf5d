"""The interop cases over grpcio, and what runs them against the programs of `tools/packages/avs-interop`."""
