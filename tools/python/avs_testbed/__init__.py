"""A bench for our programs: a development chain, an aggregator, users, operators, all on loopback.

The clients are independent of the program under test: grpcio with stubs made from `proto/` by protoc, eth-account for
signatures, the standard library for tokens. Everything waits for something that happens, up to a deadline; nothing
sleeps for a guessed time.
"""
