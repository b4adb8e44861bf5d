"""What tokens are called and what workflows cost."""

import time

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.processes import Chain
from avs_testbed.stubs import avs
from avs_testbed.tasks import set_value
from avs_testbed.users import User

INVALID = "INVALID_ARGUMENT"
NATIVE = "0x" + "Ee" * 20


def token(user, address: str):
    return user.call("GetTokenMetadata", avs.GetTokenMetadataReq(address=address))


def parts(answer) -> tuple:
    return answer.token.name, answer.token.symbol, answer.token.decimals, answer.source


# Tokens

@pytest.mark.parametrize("address, code, text", [
    ("", 3006, "token address is required"), ("0x1234", 3004, "invalid token address format"),
    ("x" * 42, 3004, "invalid token address format"), ("0x" + "g" * 40, 3004, "invalid token address format")])
def test_a_token_needs_an_address(user, address, code, text):
    """API-10.5.8"""
    with refused(INVALID, code, text):
        token(user, address)


def test_a_token_speaks_for_itself(user, chain):
    """API-10.5.8: the same answer for any letter case, with the address in lower case, however often"""
    address = chain.address("token")
    contract = chain.contract("token").functions
    answers = [token(user, text) for text in (address, address.lower(), "0x" + address[2:].upper(), address)]
    assert all(answer == answers[0] for answer in answers) and answers[0].found
    assert answers[0].token.id == address.lower()
    assert parts(answers[0]) == (contract.name().call(), contract.symbol().call(), contract.decimals().call(), "rpc")


def test_a_contract_that_says_nothing_is_unknown(user, chain):
    """API-10.5.8"""
    answer = token(user, chain.address("counter"))
    assert answer.found and parts(answer) == ("Unknown Token", "UNKNOWN", 18, "rpc")


def test_where_no_contract_is_nothing_is_found(user):
    """API-10.5.8, 2.13"""
    answer = token(user, user.address)
    assert not answer.found and not answer.HasField("token") and answer.source == ""


def test_the_chains_own_coin_has_an_address(user):
    """API-10.5.8"""
    answer = token(user, NATIVE)
    assert answer.found and parts(answer) == ("Ether", "ETH", 18, "native")
    assert answer.token.id == NATIVE.lower() and token(user, NATIVE.upper().replace("X", "x")) == answer


def test_well_known_tokens_need_no_chain(new_aggregator):
    """API-10.5.8: those of the list, on the chain that has them; another chain's are strangers"""
    sepolia = Chain("--chain-id", "11155111")
    try:
        aggregator = new_aggregator()
        aggregator.chain = sepolia
        aggregator.configure()
        aggregator.start()
        with aggregator.channel() as channel:
            user = User(channel).sign_in()
            answer = token(user, "0x1C7D4B196Cb0C7B01d743Fbc6116a902379C7238")
            assert answer.found and parts(answer) == ("USDC", "USDC", 6, "whitelist")
            assert answer.token.id == "0x1c7d4b196cb0c7b01d743fbc6116a902379c7238"
            assert not token(user, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48").found  # of another chain
            assert token(user, sepolia.address("token")).source == "rpc"
        assert aggregator.stop() == 0
    finally:
        sepolia.stop()


# Fees

def estimate(user, nodes, trigger=None, **fields):
    now = int(time.time() * 1000)
    settings = fields.pop("settings", None)
    request = avs.EstimateFeesReq(nodes=nodes, **({"created_at": now, "expire_at": now + 86_400_000} | fields))
    if trigger is not False:
        request.trigger.CopyFrom(trigger or tasks.manual())
    if settings is not None:
        set_value(request.input_variables["settings"], settings)
    return user.call("EstimateFees", request)


def check_shape(answer) -> None:
    assert answer.success and answer.error == "" and answer.error_code == 0
    assert (answer.chain_id, answer.pricing_model) == ("31337", "v1")
    assert (answer.native_token.symbol, answer.native_token.decimals) == ("ETH", 18)
    assert (answer.execution_fee.amount, answer.execution_fee.unit) == ("0.020000", "USD")
    assert all(part.fee.unit == "WEI" and part.fee.amount.isdigit() for part in answer.cogs)
    assert answer.value_fee.fee.unit == "PERCENTAGE" and answer.value_fee.classification_method == "rule_based"
    assert answer.value_fee.confidence == 1 and answer.value_fee.reason and not answer.discounts


def test_a_workflow_off_the_chain_costs_its_execution(user, wallet):
    """API-10.5.9, EE-X5"""
    answer = estimate(user, [tasks.branch(), tasks.custom_code("return 1", "n2")], runner=wallet)
    check_shape(answer)
    assert not answer.cogs and not answer.warnings
    assert (answer.value_fee.fee.amount, answer.value_fee.tier, answer.value_fee.value_base) == ("0", 0, "")


def test_a_workflow_on_the_chain_costs_gas_and_a_share(user, wallet, chain):
    """API-10.5.9, EE-X6: and the making of a wallet that is not there yet"""
    write = avs.TaskNode(id="w", name="w", contract_write=avs.ContractWriteNode(
        config=avs.ContractWriteNode.Config(contract_address=chain.address("counter"))))
    loop = avs.TaskNode(id="l", name="l", loop=avs.LoopNode(
        eth_transfer=tasks.transfer(wallet, "1").eth_transfer, config=avs.LoopNode.Config(iter_val="x")))
    answer = estimate(user, [tasks.transfer(wallet, "1", "t"), write, loop, tasks.branch()], settings={"runner": wallet})
    check_shape(answer)
    price = chain.web3.eth.gas_price
    assert [(part.node_id, part.cost_type, part.gas_units) for part in answer.cogs[:3]] == [
        ("t", "gas", "50000"), ("w", "gas", "150000"), ("l", "gas", "50000")]
    assert all(int(part.fee.amount) == int(part.gas_units) * price for part in answer.cogs)
    creation = answer.cogs[3]
    assert (creation.node_id, creation.cost_type) == ("_wallet_creation", "wallet_creation")
    assert int(creation.gas_units) > 50_000 and not answer.warnings
    assert (answer.value_fee.fee.amount, answer.value_fee.tier) == ("0.03", avs.EXECUTION_TIER_1)
    assert answer.value_fee.value_base == "input_token_value"


def test_a_wallet_that_is_there_costs_nothing_to_make(user, chain):
    """API-10.5.9, EE-X6"""
    answer = estimate(user, [tasks.transfer(user.address, "1")], runner=chain.address("factory"))
    assert [part.cost_type for part in answer.cogs] == ["gas"]


@pytest.mark.parametrize("fields, code, text", [
    ({"trigger": False}, 3006, "trigger is required"), ({"nodes": []}, 3006, "at least one node is required"),
    ({"created_at": 0}, 3000, "created_at must be a positive timestamp"),
    ({"created_at": -5}, 3000, "created_at must be a positive timestamp"),
    ({"expire_at": 0}, 3000, "expire_at must be a positive timestamp"),
    ({"created_at": 7, "expire_at": 7}, 3000, "expire_at must be after created_at"),
])
def test_what_cannot_be_estimated_is_refused(user, wallet, fields, code, text):
    """API-10.5.9, DEFECT-3"""
    with refused(INVALID, code, text):
        estimate(user, **({"nodes": [tasks.branch()], "runner": wallet} | fields))


@pytest.mark.parametrize("fields", [{}, {"runner": "0x12"}, {"settings": {"runner": ""}}, {"settings": {}}])
def test_an_estimate_needs_a_runner(user, fields):
    """API-10.5.9, EE-X6"""
    with refused("NOT_FOUND", 8001, "…a runner is required"):
        estimate(user, [tasks.transfer(user.address, "1")], **fields)
