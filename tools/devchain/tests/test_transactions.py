"""Sending, the pool, receipts, gas and fees."""

import pytest
from conftest import BASE_FEE
from web3.exceptions import Web3RPCError

COINBASE = "0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"


def test_a_transfer_costs_21000_and_moves_the_money(chain):
    sender, receiver = chain.signer("account 0").address, "0x" + "77" * 20
    before, fees_before = chain.web3.eth.get_balance(sender), int(chain.rpc("eth_getBalance", COINBASE), 16)
    receipt = chain.mined(chain.send("account 0", to=receiver, value=5))
    assert receipt["status"] == 1 and receipt["gasUsed"] == 21_000 and receipt["effectiveGasPrice"] == 2 * BASE_FEE
    assert int(chain.rpc("eth_getBalance", receiver), 16) == 5
    assert chain.web3.eth.get_balance(sender) == before - 5 - 21_000 * 2 * BASE_FEE
    # The base fee is burned, the rest is the miner's.
    assert int(chain.rpc("eth_getBalance", COINBASE), 16) == fees_before + 21_000 * BASE_FEE


@pytest.mark.parametrize("fields", [
    {"gasPrice": 2 * BASE_FEE, "maxFeePerGas": None, "maxPriorityFeePerGas": None},
    {"gasPrice": 2 * BASE_FEE, "maxFeePerGas": None, "maxPriorityFeePerGas": None,
     "accessList": [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "00" * 31 + "05"]}]},
    {},
    {"accessList": [{"address": "0x" + "22" * 20, "storageKeys": []}]},
])
def test_each_type_is_recovered_run_and_shown(chain, fields):
    sent = chain.send("account 3", to="0x" + "78" * 20, value=1, **fields)
    waiting = chain.web3.eth.get_transaction(sent)
    receipt = chain.mined(sent)
    shown = chain.web3.eth.get_transaction(sent)
    assert receipt["status"] == 1 and receipt["from"] == shown["from"] == chain.signer("account 3").address
    assert waiting["blockHash"] is None and shown["blockHash"] == receipt["blockHash"]
    assert receipt["type"] == shown["type"] == (0 if len(fields) == 3 else 1 if len(fields) == 4 else 2)
    entries = fields.get("accessList", [])
    assert receipt["gasUsed"] == 21_000 + sum(2_400 + 1_900 * len(e["storageKeys"]) for e in entries)
    assert chain.rpc("eth_getRawTransactionByHash", sent) is not None


def test_storage_is_cold_in_each_transaction(chain):
    """Gas and refunds are as on a real chain, also the second time: nothing stays warm between transactions."""
    address = "0x" + "99" * 20
    chain.rpc("dev_setCode", address, "0x5f3560005500")  # slot 0 = first word of the data
    word = {n: n.to_bytes(32, "big") for n in (0, 1, 2)}
    intrinsic = {0: 21_000 + 32 * 4, 1: 21_000 + 31 * 4 + 16, 2: 21_000 + 31 * 4 + 16}
    plain = 2 + 3 + 3  # PUSH0, CALLDATALOAD, PUSH1
    expected = [(1, 22_100, 0), (2, 5_000, 0), (2, 2_200, 0), (0, 5_000, 4_800), (0, 2_200, 0), (1, 22_100, 0)]
    for value, cost, refund in expected:
        receipt = chain.mined(chain.send("account 0", to=address, data=word[value]))
        spent = intrinsic[value] + plain + cost
        assert receipt["gasUsed"] == spent - min(refund, spent // 5), (value, cost)


def test_a_creation_gives_the_contract_an_address_and_code(chain):
    sender = chain.signer("account 4").address
    nonce = chain.web3.eth.get_transaction_count(sender)
    init = bytes.fromhex("600a600c600039600a6000f3602a60005260206000f3")
    receipt = chain.mined(chain.send("account 4", to=None, data=init))
    assert receipt["status"] == 1 and chain.web3.eth.get_transaction_count(sender) == nonce + 1
    assert bytes(chain.web3.eth.get_code(receipt["contractAddress"])).hex() == "602a60005260206000f3"
    assert chain.web3.eth.call({"to": receipt["contractAddress"]}) == (42).to_bytes(32, "big")
    failed = chain.mined(chain.send("account 4", to=None, data=bytes.fromhex("fe")))
    assert failed["status"] == 0 and failed["contractAddress"] is None and failed["gasUsed"] == 100_000
    assert chain.web3.eth.get_transaction_count(sender) == nonce + 2


def test_a_revert_is_mined_charged_and_changes_nothing(chain):
    counter, sender = chain.contract("counter"), chain.signer("account 0").address
    before = chain.web3.eth.get_balance(sender)
    receipt = chain.mined(chain.send_call("account 0", counter.functions.fail("no"), gas=200_000))
    assert receipt["status"] == 0 and receipt["logs"] == [] and counter.functions.count().call() == 0
    assert chain.web3.eth.get_balance(sender) == before - receipt["gasUsed"] * 2 * BASE_FEE


def test_nonces_wait_for_their_gap(chain):
    sender = chain.signer("account 0").address
    first = chain.web3.eth.get_transaction_count(sender)
    late = chain.send("account 0", nonce=first + 2)
    chain.mine()
    assert chain.rpc("txpool_status") == {"pending": "0x0", "queued": "0x1"}
    assert chain.web3.eth.get_transaction_count(sender, "pending") == first
    early = [chain.send("account 0", nonce=first + n) for n in (1, 0)]
    assert chain.web3.eth.get_transaction_count(sender, "pending") == first + 3
    assert chain.rpc("txpool_status") == {"pending": "0x3", "queued": "0x0"}
    chain.mine()
    order = [h.to_0x_hex() for h in chain.web3.eth.get_block("latest")["transactions"]]
    assert order == [early[1], early[0], late]


def test_a_replacement_pays_a_tenth_more(chain):
    nonce = chain.web3.eth.get_transaction_count(chain.signer("account 0").address)
    old = chain.send("account 0", nonce=nonce, value=1)
    with pytest.raises(Web3RPCError, match="replacement transaction underpriced"):
        chain.send("account 0", nonce=nonce, value=2, maxFeePerGas=4 * BASE_FEE)
    new = chain.send("account 0", nonce=nonce, value=2, maxFeePerGas=33 * BASE_FEE // 10,
                     maxPriorityFeePerGas=11 * BASE_FEE // 10)
    assert chain.mined(new)["status"] == 1
    assert chain.rpc("eth_getTransactionReceipt", old) is None and chain.rpc("eth_getTransactionByHash", old) is None


def test_the_best_paying_goes_first_and_what_pays_too_little_waits(chain):
    cheap = chain.send("account 0", maxPriorityFeePerGas=1)
    dear = chain.send("account 1", maxPriorityFeePerGas=2)
    poor = chain.send("account 2", maxFeePerGas=BASE_FEE - 1, maxPriorityFeePerGas=0)
    chain.mine()
    assert [h.to_0x_hex() for h in chain.web3.eth.get_block("latest")["transactions"]] == [dear, cheap]
    chain.rpc("dev_setBaseFee", BASE_FEE - 1)
    assert chain.mined(poor)["status"] == 1


def test_a_block_holds_what_its_gas_limit_allows(chain):
    greedy = "0x" + "98" * 20
    chain.rpc("dev_setCode", greedy, "0xfe")  # INVALID takes all the gas there is
    for n in range(2):
        chain.send(f"account {n}", to=greedy, gas=20_000_000)
    chain.mine()
    assert len(chain.web3.eth.get_block("latest")["transactions"]) == 1
    chain.mine()
    assert len(chain.web3.eth.get_block("latest")["transactions"]) == 1


@pytest.mark.parametrize(("fields", "text"), [
    ({"nonce": -1, "value": 1}, "nonce too low"), ({"nonce": 5_000}, "nonce too high"),
    ({"chainId": 1}, "invalid chain id"), ({"gas": 20_999}, "intrinsic gas too low"),
    ({"gas": 30_000_001}, "exceeds block gas limit"), ({"value": 10**30}, "insufficient funds"),
    ({"maxPriorityFeePerGas": 4 * BASE_FEE}, "max priority fee per gas higher"),
])
def test_what_can_never_run_is_refused(chain, fields, text):
    chain.mined(chain.send("account 0"))
    nonce = chain.web3.eth.get_transaction_count(chain.signer("account 0").address)
    fields = {**fields, "nonce": nonce + fields.get("nonce", 0)}
    with pytest.raises(Web3RPCError, match=text):
        chain.send("account 0", **fields)


def test_the_same_transaction_twice_is_already_known(chain):
    raw = chain.sign("account 0")
    chain.web3.eth.send_raw_transaction(raw)
    for _ in range(2):
        with pytest.raises(Web3RPCError, match="already known"):
            chain.web3.eth.send_raw_transaction(raw)
        chain.mine()


def test_a_signature_in_the_upper_half_is_refused(chain):
    import rlp
    raw = bytes(chain.sign("account 0"))
    fields = rlp.decode(raw[1:])
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    fields[-1] = (order - int.from_bytes(fields[-1], "big")).to_bytes(32, "big")
    fields[-3] = b"" if fields[-3] else b"\1"
    error = chain.error("eth_sendRawTransaction", "0x02" + rlp.encode(fields).hex())
    assert "upper half" in error["message"]


def test_known_accounts_can_send_unsigned(chain):
    sender = chain.start["accounts"][5]["address"]
    sent = chain.rpc("eth_sendTransaction", {"from": sender, "to": "0x" + "79" * 20, "value": "0x9"})
    receipt = chain.mined(sent)
    assert receipt["status"] == 1 and receipt["gasUsed"] == 21_000
    assert "unknown account" in chain.error("eth_sendTransaction", {"from": "0x" + "12" * 20})["message"]


def test_a_sender_who_spent_the_money_elsewhere_is_passed_over(chain):
    sender = chain.signer("account 6").address
    everything = chain.web3.eth.get_balance(sender) - 21_000 * 3 * BASE_FEE
    chain.send("account 6", value=everything, gas=21_000, to="0x" + "80" * 20)
    chain.send("account 6", value=everything, gas=21_000, to="0x" + "80" * 20)
    chain.mine()
    assert len(chain.web3.eth.get_block("latest")["transactions"]) == 1
    assert chain.rpc("txpool_status") == {"pending": "0x0", "queued": "0x0"}
