"""The command line: `tools/devchain/devchain --help`."""

import argparse
import asyncio
import json
import logging
import signal
import sys

# py_ecc, which eth-account imports, raises the limit to 100,000: deeply nested JSON then overflows the stack.
MAX_RECURSION = 2_000

DESCRIPTION = """\
A development chain: a real EVM behind Ethereum's JSON-RPC, over HTTP and WebSocket, on 127.0.0.1 only. Everything is in
memory and gone at the end. Once it listens it prints one line of JSON on stdout:

  {"http": …, "ws": …, "chainId": 31337, "contracts": {name: address}, "accounts": [{name, address, privateKey}],
   "bundler": … (with --bundler-port)}

Everything else goes to stderr. SIGINT and SIGTERM end it with status 0. The accounts are funded and their keys are
known to everybody. By default every transaction is mined at once; see --block-time and --no-mining.
tools/devchain/README.md lists the methods and what is not as on a real chain.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="devchain", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8545, help="port to listen on; 0: any free one (default: 8545)")
    parser.add_argument("--bundler-port", type=int, metavar="PORT",
                        help="also serve an ERC-4337 bundler at this port; 0: any free one (default: no bundler)")
    parser.add_argument("--block-time", type=float, metavar="SECONDS",
                        help="mine a block every SECONDS instead of one per transaction")
    parser.add_argument("--no-mining", action="store_true", help="mine only when dev_mine or evm_mine asks for it")
    parser.add_argument("--genesis-time", type=int, metavar="SECONDS",
                        help="timestamp of the first block, since the epoch (default: ten minutes ago)")
    parser.add_argument("--chain-id", type=int, default=31337, help="(default: 31337)")
    parser.add_argument("--max-log-range", type=int, metavar="BLOCKS",
                        help="refuse eth_getLogs over more blocks, as hosted nodes do (default: no limit)")
    parser.add_argument("--max-logs", type=int, metavar="COUNT",
                        help="refuse eth_getLogs with more results (default: no limit)")
    parser.add_argument("--until-stdin-closes", action="store_true",
                        help="end when stdin does, so that no chain outlives the test that started it")
    parser.add_argument("--verbose", action="store_true", help="log every request")
    options = parser.parse_args()
    if not all(0 <= port <= 65_535 for port in (options.port, options.bundler_port or 0)):
        parser.error("a port must be 0 to 65535")
    if options.block_time is not None and options.block_time <= 0:
        parser.error("--block-time must be positive")
    if options.block_time is not None and options.no_mining:
        parser.error("--block-time and --no-mining exclude each other")
    return options


def make_node(options: argparse.Namespace):
    """Builds the chain as the options say."""
    from .accounts import dev_accounts
    from .chain import Chain, ChainOptions
    from .contracts import compiled
    from .genesis import Genesis
    from .node import Limits, Node

    accounts, contracts = dev_accounts(), {}

    def fill(state, block) -> None:
        genesis = Genesis(state, block, compiled())
        genesis.fill(accounts)
        contracts.update(genesis.placed)

    chain = Chain(ChainOptions(chain_id=options.chain_id, genesis_time=options.genesis_time), fill)
    chain.is_automining = options.block_time is None and not options.no_mining
    node = Node(chain, accounts, contracts, Limits(options.max_log_range, options.max_logs))
    node.set_block_time(options.block_time)
    return node


async def serve(options: argparse.Namespace) -> None:
    from . import methods_bundler, methods_dev
    from . import methods_logs, methods_simulate, methods_transactions  # noqa: F401  (they register their methods)
    from .bundler import Bundler
    from .methods import METHODS
    from .server import HOST, Endpoint, Server, mine_by_the_clock

    node = make_node(options)
    sys.setrecursionlimit(MAX_RECURSION)
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    if options.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), lambda: sys.stdin.buffer.read1() or end.set())

    servers = [Server(Endpoint(METHODS, node, node.faults), node.chain)]
    port = await servers[0].start(options.port)
    start = {"http": f"http://{HOST}:{port}", "ws": f"ws://{HOST}:{port}", **methods_dev.info(node)}
    if options.bundler_port is not None:
        (signer,) = (account.signer for account in node.accounts if account.name == "bundler")
        bundler = Bundler(node, signer)
        servers.append(Server(Endpoint(methods_bundler.METHODS, bundler, bundler.faults)))
        start["bundler"] = f"http://{HOST}:{await servers[1].start(options.bundler_port)}"
    clock = asyncio.create_task(mine_by_the_clock(node))  # ended below
    print(json.dumps(start), flush=True)
    try:
        await end.wait()
    finally:
        clock.cancel()
        await asyncio.gather(clock, return_exceptions=True)
        for server in servers:
            await server.stop()


def main() -> int:
    options = arguments()
    logging.basicConfig(stream=sys.stderr, format="devchain: %(message)s", level=logging.INFO)
    logging.getLogger("devchain").setLevel(logging.DEBUG if options.verbose else logging.INFO)
    try:
        asyncio.run(serve(options))
    except OSError as error:
        print(f"devchain: cannot listen: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
