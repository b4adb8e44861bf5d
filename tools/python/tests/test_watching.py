"""avs-operator and the aggregator, both as processes, on a chain of their own."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from avs_testbed import tasks
from avs_testbed.operators import operator_account
from avs_testbed.processes import Aggregator, Chain
from avs_testbed.stubs import avs
from avs_testbed.users import User
from avs_testbed.waiting import until
from avs_testbed.watchers import Watcher
from eth_utils import keccak

COUNTED = "0x" + keccak(text="Counted(address,uint256,int256)").hex()
LIMITS = {"profile": "test", "queued_per_task": 10_000, "queued_per_owner": 100_000}
AHEAD = 60
"""Blocks that the sender may be ahead of the executions: fewer than an operator still reports when it comes back."""


@dataclass
class Bench:
    chain: Chain
    aggregator: Aggregator
    watcher: Watcher
    user: User

    def increment(self) -> None:
        """One transaction, one block, one event."""
        sender, counter = self.chain.facts["accounts"][1]["address"], self.chain.address("counter")
        self.chain.rpc("eth_sendTransaction", {
            "from": sender, "to": counter, "data": "0x" + keccak(text="increment()")[:4].hex()})

    def head(self) -> int:
        return int(self.chain.rpc("eth_blockNumber"), 16)

    def events(self, first: int) -> Counter:
        """The counter's events from a block on, as transaction and index."""
        logs = self.chain.rpc("eth_getLogs", {
            "fromBlock": hex(first), "address": self.chain.address("counter"), "topics": [COUNTED]})
        return Counter((log["transactionHash"], int(log["logIndex"], 16)) for log in logs)

    def outputs(self, task_id: str, kind: str) -> list[dict]:
        """What the trigger of each execution that has ended said."""
        return [tasks.plain(getattr(item.steps[0], kind).data)
                for item in self.user.all_executions(task_id) if item.steps]

    def blocks(self, task_id: str) -> Counter:
        return Counter(int(output["blockNumber"]) for output in self.outputs(task_id, "block_trigger"))

    def logs(self, task_id: str) -> Counter:
        return Counter((output["transactionHash"], int(output["logIndex"]))
                       for output in self.outputs(task_id, "event_trigger"))

    def restart_aggregator(self, **settings) -> None:
        """Stops it and starts it on the same data with these settings more."""
        assert self.aggregator.stop() == 0
        self.aggregator.settings |= settings
        self.aggregator.configure()
        self.aggregator.start()
        self.user = User(self.aggregator.channel(), self.user.account).sign_in()

    def create(self) -> tuple[str, str]:
        """A task for every block and one for every event."""
        wallet = self.user.wallet().address
        trigger = tasks.event(self.chain.address("counter"), COUNTED)
        trigger.event.config.cooldown_seconds = 0
        return self.user.create(tasks.task(wallet, tasks.block())), self.user.create(tasks.task(wallet, trigger))

    def wait_until_watched(self, *task_ids: str) -> int:
        """Makes blocks until each of the tasks ran; returns the block from which on all are watched."""
        def ran():
            self.increment()
            return all(self.user.task(task_id).execution_count for task_id in task_ids)
        until(ran, 120, "the first execution")
        return self.head() + 1


@pytest.fixture
def new_bench(tmp_path) -> Iterator:
    """Makes a bench whose aggregator serves and whose operator is not started yet."""
    made: list[Bench] = []

    def make(**settings) -> Bench:
        chain = Chain()
        account = operator_account(0)
        aggregator = Aggregator(tmp_path / "aggregator", chain, [account.address], {"limits": LIMITS} | settings)
        aggregator.start()
        channel = aggregator.channel()
        bench = Bench(
            chain, aggregator, Watcher(tmp_path / "operator", chain, aggregator, account), User(channel).sign_in())
        made.append(bench)
        return bench

    yield make
    for bench in made:
        if bench.watcher.process is not None and bench.watcher.process.poll() is None:
            bench.watcher.kill()
        status = bench.aggregator.stop()
        bench.chain.stop()
        assert status == 0, bench.aggregator.last_log()
        assert not bench.aggregator.logged_errors()


def test_a_killed_operator_reports_everything_once(new_bench):
    """E1, E2, XO-1: killed again and again while blocks and events come."""
    bench, chance = new_bench(), random.Random(11)
    block_task, event_task = bench.create()
    bench.watcher.start()
    first = bench.wait_until_watched(block_task, event_task)
    ends, sent = threading.Event(), []
    base = bench.user.task(event_task).execution_count

    def ahead():
        return len(sent) - (bench.user.task(event_task).execution_count - base)

    def send():
        while not ends.is_set():
            if ahead() < AHEAD:
                bench.increment()
                sent.append(None)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        for _ in range(8):
            goal = bench.user.task(event_task).execution_count + chance.randrange(1, 60)
            until(lambda: bench.user.task(event_task).execution_count >= goal, 120, "executions between two kills")
            bench.watcher.kill()
            away = len(sent) + chance.randrange(1, 20)
            until(lambda: len(sent) >= away or ahead() >= AHEAD, 120, "blocks while it is away")
            bench.watcher.start()
    finally:
        ends.set()
        sender.join()
    last = bench.head()

    def complete():
        return (set(range(first, last + 1)) <= set(bench.blocks(block_task))
                and bench.events(first).keys() <= bench.logs(event_task).keys())
    until(complete, 120, "the end of all runs")
    blocks = {number: count for number, count in bench.blocks(block_task).items() if number >= first}
    assert blocks == {number: 1 for number in range(first, last + 1)}
    logs = bench.logs(event_task)
    assert max(logs.values()) == 1 and bench.events(first) <= logs
    assert bench.watcher.stop() == 0, bench.watcher.last_log()
    assert not bench.watcher.logged("error", "critical")


def test_a_transfer_is_reported_with_its_token(new_bench):
    """6.14, EE 4.5.4, EE-TE5: what a workflow sees of a transfer, over subscription, decoding and enrichment."""
    bench = new_bench()
    token, (sender, receiver) = bench.chain.contract("token"), bench.chain.facts["accounts"][2:4]
    transfer = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
    trigger = tasks.event(token.address, transfer, "", receiver["address"])
    trigger.event.config.cooldown_seconds = 0
    for entry in bench.chain.abi("token"):
        tasks.set_value(trigger.event.config.queries[0].contract_abi.add(), entry)
    raw_trigger = tasks.event(token.address, transfer, "", receiver["address"])
    raw_trigger.event.config.cooldown_seconds = 0
    task_id = bench.user.create(tasks.task(bench.user.wallet().address, trigger))
    raw_id = bench.user.create(tasks.task(bench.user.wallet().address, raw_trigger))
    bench.watcher.start()

    def ran():
        data = token.encode_abi("transfer", [receiver["address"], 1_500_000])
        bench.chain.rpc("eth_sendTransaction", {"from": sender["address"], "to": token.address, "data": data})
        return bench.outputs(raw_id, "event_trigger") and bench.outputs(task_id, "event_trigger")
    output = until(ran, 120, "the first execution")[-1]
    symbol, name = token.functions.symbol().call(), token.functions.name().call()
    assert output | {
        "eventName": "Transfer", "tokenName": name, "tokenSymbol": symbol, "tokenDecimals": 6, "value": "1500000",
        "valueFormatted": "1.5", "fromAddress": sender["address"], "toAddress": receiver["address"],
        "contractAddress": token.address, "direction": "received", "walletAddress": receiver["address"],
        "chainId": bench.chain.id,
    } == output
    block = bench.chain.rpc("eth_getBlockByNumber", hex(int(output["blockNumber"])), False)
    assert output["blockTimestamp"] == int(block["timestamp"], 16) * 1_000
    # Without ABI it is the raw log, as in a trial (EE-TE5).
    raw = bench.outputs(raw_id, "event_trigger")[-1]
    assert set(raw) == {"contractAddress", "blockNumber", "transactionHash", "logIndex", "blockHash", "topics", "data",
                        "removed"}
    assert raw["topics"][0] == transfer and int(raw["data"], 16) == 1_500_000
    assert bench.watcher.stop() == 0


def test_registration_on_chain_is_checked_where_it_is_configured(new_bench):
    """9.7: a coordinator that says 1 lets the operator start; 0, 2 and an address without code do not."""
    bench = new_bench()
    coordinator = "0x" + "c0" * 20
    bench.watcher.configure(eth_rpc_url=bench.chain.facts["http"], avs_registry_coordinator_address=coordinator)
    assert bench.watcher.start().wait() == 78 and "is no registry coordinator" in bench.watcher.last_log()
    for status, text in ((0, "was never registered"), (2, "is registered no longer")):
        bench.chain.rpc("dev_setCode", coordinator, f"0x60{status:02x}60005260206000f3")
        assert bench.watcher.start().wait() == 78 and text in bench.watcher.last_log()
    bench.chain.rpc("dev_setCode", coordinator, "0x600160005260206000f3")
    block_task, event_task = bench.create()
    bench.watcher.start()
    bench.wait_until_watched(block_task, event_task)
    assert bench.watcher.stop() == 0


def test_an_alias_signs_for_an_operator(new_bench):
    """API-10.7.14, 3.5: declared by the operator, used by the program, accepted by the aggregator, removed by itself."""
    bench = new_bench()
    own, alias = bench.watcher.account, operator_account(900)
    for account in (own, alias):
        bench.chain.rpc("dev_fund", account.address, 1)
    registry = {"eth_rpc_url": bench.chain.facts["http"]}
    bench.watcher.configure(**registry)
    assert bench.watcher.command("alias", "show").stdout == ""

    # Before it is declared, the program does not start with it.
    bench.watcher.key = alias
    assert bench.watcher.start().wait() == 78
    assert "is not the declared alias" in bench.watcher.last_log()
    refused = bench.watcher.command("alias", "declare", alias.address)
    assert refused.returncode == 78 and "only the operator's own key" in refused.stderr

    bench.watcher.key = None
    declared = bench.watcher.command("alias", "declare", alias.address)
    assert declared.returncode == 0, declared.stderr
    assert bench.chain.rpc("eth_getTransactionReceipt", declared.stdout.strip())["status"] == "0x1"
    assert bench.watcher.command("alias", "show").stdout.strip() == alias.address
    again = bench.watcher.command("alias", "declare", alias.address)
    assert (again.returncode, again.stdout) == (0, "") and "already" in again.stderr
    refused = bench.watcher.command("alias", "remove")
    assert refused.returncode == 78 and "the alias itself" in refused.stderr

    # The aggregator of this bench knows no registry and refuses it; one that knows it takes it.
    bench.watcher.key = alias
    block_task, event_task = bench.create()
    bench.watcher.start()
    until(lambda: "User Auth key is invalid" in bench.watcher.log.read_text(), 60, "the refusal")
    assert bench.watcher.stop() == 0
    bench.restart_aggregator(**registry)
    bench.watcher.start()
    bench.wait_until_watched(block_task, event_task)
    assert bench.watcher.stop() == 0

    removed = bench.watcher.command("alias", "remove")
    assert removed.returncode == 0, removed.stderr
    assert bench.watcher.command("alias", "show").stdout == ""
    assert bench.watcher.start().wait() == 78
