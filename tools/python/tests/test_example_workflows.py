"""The specification's example workflows, simulated and for real, with every step's output compared value by value."""

import json
import uuid

import pytest
from avs_testbed import tasks
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain
from test_event_trials import TRANSFER, event, padded
from test_workflow_nodes import Bench, chat, edges, mail, output
from test_writing import TOKEN, TRANSFERRED, operations, token_balance

SUCCESS = avs.EXECUTION_STATUS_SUCCESS
ETHER = 10**18
LIMIT = 10**18
"""A health factor below it is in danger."""


@pytest.fixture
def bench(user, wallet) -> Bench:
    return Bench(user, wallet)


def some_address() -> str:
    return "0x" + uuid.uuid4().hex + "00000000"


def by_name(execution) -> dict:
    """The outputs of the steps, in their order."""
    return {step.name: output(step) for step in execution.steps}


# Event to telegram

def test_event_to_telegram_alert(bench, chain, web):
    """EE-10.18.1: a transfer out of the wallet is made up, and the chat is told who got how much"""
    token, wallet = chain.contract("token").functions, bench.wallet
    trigger = event(chain.address("token"), TRANSFER, padded(wallet), abi=[TRANSFERRED], name="onTransfer")
    execution = bench.simulated(chat(web), trigger=trigger)
    assert execution.status == SUCCESS and len(execution.steps) == 2, execution
    transfer, told = by_name(execution).values()
    assert len(transfer.pop("transactionHash")) == 66
    assert transfer.pop("blockNumber") >= 0 and transfer.pop("blockTimestamp") > 0
    recipient = "0x" + "0" * 39 + "2"
    assert transfer == {
        "eventName": "Transfer", "tokenName": token.name().call(), "tokenSymbol": token.symbol().call(), "tokenDecimals": 6,
        "contractAddress": chain.address("token"), "fromAddress": wallet, "toAddress": recipient, "value": "1500000",
        "valueFormatted": "1.5", "direction": "sent", "walletAddress": wallet, "chainId": chain.id}
    assert (told["status"], told["data"]["path"]) == (200, "/bot123:abc/sendMessage")
    message = json.loads(told["data"]["body"])
    assert (message["chat_id"], message["parse_mode"]) == (7, "HTML")
    assert f"Sent <b>1.5 {token.symbol().call()}</b> to <code>{recipient}</code>" in message["text"]


# Health factor

ACCOUNT = ["totalCollateralBase", "totalDebtBase", "availableBorrowsBase", "currentLiquidationThreshold", "ltv", "healthFactor"]
POOL = [{
    "type": "function", "name": "getUserAccountData", "stateMutability": "view",
    "inputs": [{"name": "user", "type": "address"}], "outputs": [{"name": name, "type": "uint256"} for name in ACCOUNT]}]


def constant_contract(chain, *words: int) -> str:
    """A contract that answers every call with these words."""
    address = some_address()
    stores = "".join(f"7f{word:064x}60{32 * place:02x}52" for place, word in enumerate(words))
    chain.rpc("dev_setCode", address, f"0x{stores}60{32 * len(words):02x}6000f3")
    return address


@pytest.mark.parametrize("factor", [LIMIT - 1, LIMIT])
def test_health_factor_alert(bench, chain, web, factor):
    """EE-10.18.2: cron → read → branch → message, which goes out only below the limit; exact, beyond what doubles hold"""
    words = [250 * 10**8, 200 * 10**8, 0, 8250, 8000, factor]
    read = tasks.contract_read(constant_contract(chain, *words), POOL, ("getUserAccountData", [bench.wallet]),
                               identifier="contractRead1")
    condition = f'BigInt(contractRead1.data.getUserAccountData.healthFactor) < BigInt("{LIMIT}")'
    path = f"/alert/{uuid.uuid4().hex}"
    alert = tasks.rest(f"{web.url}{path}", "alert", method="POST",
                       body="health factor {{contractRead1.data.getUserAccountData.healthFactor}}")
    nodes = [read, tasks.branch("judge", ("low", "if", condition), ("fine", "else", "")), alert]
    account = dict(zip(ACCOUNT, map(str, words)))
    for run in (bench.simulated, bench.triggered):
        execution = run(*nodes, trigger=tasks.cron(), edges=edges("t0>contractRead1 contractRead1>judge judge.low>alert"))
        assert execution.status == SUCCESS, execution.error
        steps = by_name(execution)
        assert steps["contractRead1"] == {"getUserAccountData": account}
        assert steps["judge"] == {"conditionId": "judge.low" if factor < LIMIT else "judge.fine"}
        assert list(steps) == ["tick", "contractRead1", "judge"] + (["alert"] if factor < LIMIT else [])
        if factor < LIMIT:
            assert steps["alert"]["status"] == 200
            assert steps["alert"]["data"] == {"method": "POST", "path": path, "body": f"health factor {factor}"}
    assert len(web.of(path)) == (2 if factor < LIMIT else 0)


# Recurring batch payment

SUM = """
const total = settings.recipients.reduce((sum, item) => sum + BigInt(item.amount), 0n);
const balance = BigInt(funds.data.find(token => token.symbol === settings.symbol).balance);
return { total, balance, enough: balance >= total };
"""


class Coins:
    """Payments of the chain's own coin."""

    symbol = "ETH"

    def __init__(self, chain):
        self.chain = chain

    def give(self, wallet: str, amount: int) -> None:
        self.chain.rpc("dev_setBalance", wallet, hex(amount))

    def of(self, address: str) -> int:
        return int(self.chain.rpc("eth_getBalance", address, "latest"), 16)

    def balance_node(self, wallet: str):
        return tasks.balance(wallet, str(self.chain.id), "funds", include_zero_balances=True)

    def loop(self):
        return tasks.loop("{{settings.recipients}}", "pay", value="item", eth_transfer=tasks.transfer(
            "{{item.address}}", "{{item.amount}}"))

    @staticmethod
    def paid(element: dict, wallet: str, recipient: dict) -> bool:
        return element["transfer"] == {"from": wallet, "to": recipient["address"], "value": recipient["amount"]}


class Tokens(Coins):
    """Payments of a token, by contract writes."""

    @property
    def symbol(self) -> str:
        return self.chain.contract("token").functions.symbol().call()

    def give(self, wallet: str, amount: int) -> None:
        sender = self.chain.facts["accounts"][0]["address"]
        self.chain.contract("token").functions.mint(wallet, amount).transact({"from": sender})

    def of(self, address: str) -> int:
        return token_balance(self.chain, address)

    def balance_node(self, wallet: str):
        return tasks.balance(wallet, str(self.chain.id), "funds", token_addresses=[self.chain.address("token")])

    def loop(self):
        write = tasks.contract_write(self.chain.address("token"), TOKEN, ("transfer", ["{{item.address}}", "{{item.amount}}"]))
        return tasks.loop("{{settings.recipients}}", "pay", value="item", contract_write=write)

    @staticmethod
    def paid(element: dict, wallet: str, recipient: dict) -> bool:
        event = element["transfer"]
        return (event["from"].lower(), event["to"].lower(), event["value"]) == (
            wallet.lower(), recipient["address"].lower(), recipient["amount"])


def check_payments(execution, money, wallet: str, recipients: list, balance: int, total: int) -> None:
    """That every step says what the workflow is for."""
    assert execution.status == SUCCESS, execution
    steps, enough = by_name(execution), balance >= total
    assert list(steps) == [execution.steps[0].name, "funds", "sum", "fork"] + (["pay"] if enough else []) + ["tell"]
    held = {item["symbol"]: item["balance"] for item in steps["funds"]}
    assert held[money.symbol] == str(balance)
    assert steps["sum"] == {"total": str(total), "balance": str(balance), "enough": enough}
    assert steps["fork"] == {"conditionId": "fork.yes" if enough else "fork.no"}
    if enough:
        assert len(steps["pay"]) == len(recipients)
        assert all(money.paid(element, wallet, recipient) for element, recipient in zip(steps["pay"], recipients))
        assert all(len(element["metadata"]["transactionHash"]) == 66 for element in steps["pay"])
    assert steps["tell"]["status"] == 200 and steps["tell"]["data"]["method"] == "POST"


@pytest.mark.parametrize("trigger", [tasks.manual(), tasks.cron()], ids=["manual", "cron"])
@pytest.mark.parametrize("missing", [0, 1], ids=["enough", "too little"])
@pytest.mark.parametrize("kind", [Coins, Tokens])
def test_recurring_batch_payment(bench, chain, web, kind, missing, trigger):
    """EE-10.18.3: balance → sum → branch → loop over settings.recipients → e-mail; one e-mail, paid or not"""
    money, wallet = kind(chain), bench.wallet
    amounts = [2**53 + 1, 40, 2]
    recipients = [{"address": some_address(), "amount": str(amount)} for amount in amounts]
    balance = sum(amounts) - missing
    money.give(wallet, balance)
    nodes = [
        money.balance_node(wallet), tasks.custom_code(SUM, "sum"),
        tasks.branch("fork", ("yes", "if", "sum.data.enough"), ("no", "else", "")), money.loop(), mail(web)]
    graph = edges("t0>funds funds>sum sum>fork fork.yes>pay pay>tell fork.no>tell")
    settings = {"recipients": recipients, "symbol": money.symbol, "chain_id": chain.id}
    for run, arrived in [(bench.simulated, 0), (bench.triggered, 0 if missing else 1)]:
        before = len(web.of("/v3/mail/send"))
        execution = run(*nodes, trigger=trigger, edges=graph, settings=settings)
        check_payments(execution, money, wallet, recipients, balance, sum(amounts))
        mails = web.of("/v3/mail/send")[before:]
        assert len(mails) == 1 and json.loads(mails[0]["body"])["dynamic_template_data"]["subject"]
        assert [money.of(item["address"]) for item in recipients] == [amount * arrived for amount in amounts]
    assert len(operations(chain, wallet)) == (0 if missing else len(recipients))
    assert money.of(wallet) == (balance if missing else 0)


# Exported workflow

def test_exported_workflow(bench):
    """EE-10.18.5: a loop, a filter and code side by side over one list; configurations are echoed as they were given"""
    data = [{"key": "value1"}, {"key": "value2"}]
    nodes = [tasks.loop("{{start.data}}", "walk", custom_code=tasks.custom_code("return value.key")),
             tasks.filter_node("value.key.endsWith('1')", "{{start.data}}", "keep"),
             tasks.custom_code("return start.data", "all")]
    echoes = {
        "walk": {"inputVariable": "{{start.data}}", "iterVal": "value", "iterKey": "index", "iterationTimeout": 0,
                 "executionMode": "sequential", "runner": {
                     "type": "customCode", "config": {"lang": "LANG_JAVASCRIPT", "source": "return value.key"}}},
        "keep": {"expression": "value.key.endsWith('1')", "inputVariable": "{{start.data}}"},
        "all": {"lang": "LANG_JAVASCRIPT", "source": "return start.data"},
    }
    for run in (bench.simulated, bench.triggered):
        execution = run(*nodes, edges=edges("t0>walk t0>keep t0>all"), data=data)
        assert execution.status == SUCCESS, execution.error
        assert by_name(execution) == {"start": data, "walk": ["value1", "value2"], "keep": data[:1], "all": data}
        assert {step.name: plain(step.config) for step in execution.steps[1:]} == echoes
