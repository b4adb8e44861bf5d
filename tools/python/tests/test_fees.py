"""What runs are asked for and what they cost: in their records, in simulations, and where wallets may not act."""

import uuid

import pytest
from avs_testbed import tasks
from avs_testbed.processes import Chain
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain
from avs_testbed.users import User
from test_workflow_nodes import Bench, edges

ETHER = 10**18
SUCCESS, FAILED, PENDING = (
    avs.EXECUTION_STATUS_SUCCESS, avs.EXECUTION_STATUS_FAILED, avs.EXECUTION_STATUS_PENDING)
FLAT = avs.Fee(amount="0.020000", unit="USD")
NO_SHARE = avs.ValueFee(
    fee=avs.Fee(amount="0", unit="PERCENTAGE"), classification_method="rule_based", confidence=1,
    reason="the workflow moves no value on a chain")
FIRST_TIER = avs.ValueFee(
    fee=avs.Fee(amount="0.03", unit="PERCENTAGE"), tier=avs.EXECUTION_TIER_1, value_base="input_token_value",
    classification_method="rule_based", confidence=1, reason="the workflow acts on a chain")


@pytest.fixture
def bench(user, wallet) -> Bench:
    return Bench(user, wallet)


def some_address() -> str:
    return "0x" + uuid.uuid4().hex + "00000000"


def run(user, request, kind: int = avs.TRIGGER_TYPE_MANUAL):
    """The record of a run of a new task."""
    task = user.create(request)
    return user.execution(task, user.trigger(task, kind, blocking=True).execution_id)


# The flat fee

def test_every_execution_has_the_flat_fee(user, wallet, bench, web):
    """EE-X4: whatever it came to, in its record, in lists, while it is pending and in a simulation"""
    task = user.create(tasks.task(wallet, nodes=[tasks.rest(f"{web.url}/status/500")]))
    execution = user.execution(task, user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True).execution_id)
    assert execution.status == FAILED and execution.execution_fee == FLAT
    assert [item.execution_fee for item in user.executions(task).items] == [FLAT]
    assert run(user, tasks.task(wallet)).execution_fee == FLAT
    assert bench.simulated(tasks.branch()).execution_fee == FLAT
    task = user.create(tasks.task(wallet, tasks.block()))
    pending = user.execution(task, user.trigger(task, avs.TRIGGER_TYPE_BLOCK).execution_id)
    assert (pending.status, pending.execution_fee) == (PENDING, FLAT)
    assert not pending.cogs and not pending.HasField("value_fee")


def test_the_prices_are_the_operators(new_aggregator):
    """EE-X4, EE-X5: fee_rates.execution_fee_usd and the rate of the tier"""
    aggregator = new_aggregator(fee_rates={"execution_fee_usd": 0.05, "tiers": {"tier_1": 0.5}})
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        bench = Bench(user, user.wallet().address)
        for execution in (run(user, tasks.task(bench.wallet)), bench.simulated(tasks.branch())):
            assert execution.execution_fee == avs.Fee(amount="0.050000", unit="USD")
        share = bench.simulated(tasks.transfer(some_address(), "1")).value_fee
        assert (share.fee.amount, share.tier) == ("0.5", avs.EXECUTION_TIER_1)
    assert aggregator.stop() == 0


# The share of the value

@pytest.mark.parametrize("node, fee", [
    (tasks.custom_code("return 1"), NO_SHARE), (tasks.branch(), NO_SHARE),
    (tasks.loop("{{rounds}}", custom_code=tasks.custom_code("return value")), NO_SHARE),
    (tasks.transfer(some_address(), "1"), FIRST_TIER),
    (tasks.loop("{{rounds}}", eth_transfer=tasks.transfer(some_address(), "1")), FIRST_TIER),
], ids=["code", "branch", "loop of code", "transfer", "loop of transfers"])
def test_a_share_is_asked_of_what_moves_value(user, wallet, bench, chain, node, fee):
    """EE-X5: the same in a simulation and in a record"""
    chain.rpc("dev_setBalance", wallet, hex(ETHER))
    request = tasks.task(wallet, nodes=[node])
    tasks.set_value(request.input_variables["rounds"], [1])
    recorded, simulated = run(user, request), bench.simulated(node, rounds=[1])
    for execution in (recorded, simulated):
        assert execution.status == SUCCESS and execution.value_fee == fee, execution
    assert not simulated.cogs and [part.node_id for part in recorded.cogs] == ([node.id] if fee is FIRST_TIER else [])


def test_the_definition_counts_not_what_ran(user, wallet, bench):
    """EE-X5, 8.1: a transfer behind a branch that leads elsewhere"""
    nodes = [tasks.branch("fork", ("no", "if", "1 > 2"), ("yes", "else", "")), tasks.transfer(some_address(), "1", "pay")]
    request = tasks.task(wallet, nodes=nodes, edges=edges("t0>fork fork.no>pay"))
    for execution in (run(user, request), bench.simulated(*nodes, edges=edges("t0>fork fork.no>pay"))):
        assert [step.id for step in execution.steps] == ["t0", "fork"]
        assert execution.value_fee == FIRST_TIER and not execution.cogs


# Gas

def test_gas_that_was_paid_is_told_for_each_node(user, wallet, chain):
    """EE-NE7: decimal texts, total = used × price, and the record has the nodes in wei"""
    chain.rpc("dev_setBalance", wallet, hex(ETHER))
    pay, write = tasks.transfer(some_address(), "1000", "pay"), tasks.contract_write(
        chain.address("counter"), chain.abi("counter"), ("increment", []), identifier="count")
    execution = run(user, tasks.task(wallet, nodes=[pay, tasks.branch("fork"), write]))
    assert execution.status == SUCCESS, execution
    steps = {step.id: step for step in execution.steps}
    for name in ("pay", "count"):
        used, price, total = (int(text) for text in (
            steps[name].gas_used, steps[name].gas_price, steps[name].total_gas_cost))
        assert used > 21_000 and price > 0 and total == used * price
    transaction = chain.rpc("eth_getTransactionReceipt", plain(steps["pay"].metadata)["transactionHash"])
    assert int(steps["pay"].gas_used) == int(transaction["gasUsed"], 16)
    assert list(execution.cogs) == [avs.NodeCOGS(
        node_id=name, cost_type="gas", fee=avs.Fee(amount=steps[name].total_gas_cost, unit="WEI"),
        gas_units=steps[name].gas_used) for name in ("pay", "count")]


# Wallets that may not act

def test_a_wallet_that_may_not_act_fails_the_run(new_aggregator):
    """EE-X14: a record without steps that says why: the wallet is not the owner's any more, or nobody can tell"""
    chain = Chain()
    try:
        aggregator = new_aggregator()
        aggregator.chain = chain
        aggregator.configure()
        aggregator.start()
        with aggregator.channel() as channel:
            user = User(channel).sign_in()
            wallet = chain.contract("factory").functions.getAddress(user.address, 0).call()
            task = user.create(tasks.task(wallet))
        factory = chain.address("factory")
        for code, error in [
            ("0x73" + "42" * 20 + "60005260206000f3", "task smart wallet address does not belong to owner"),
            ("0x", "failed to validate wallet ownership: "),
        ]:
            assert aggregator.stop() == 0
            chain.rpc("dev_setCode", factory, code)
            aggregator.start()
            with aggregator.channel() as channel:
                user = User(channel, user.account).sign_in()
                execution = user.execution(task, user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True).execution_id)
                assert execution.status == FAILED and execution.error.startswith(error), execution
                assert not execution.steps and execution.execution_fee == FLAT and execution.value_fee == NO_SHARE
        assert aggregator.stop() == 0
    finally:
        chain.stop()
