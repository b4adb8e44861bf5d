"""eth_subscribe over WebSocket, by two independent clients."""

import asyncio
import json

import pytest
from web3 import AsyncWeb3, WebSocketProvider
from web3.utils.subscriptions import LogsSubscription, NewHeadsSubscription
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class Socket:
    """A plain WebSocket client."""

    def __init__(self, chain):
        self._connection = connect(chain.start["ws"], max_size=None)
        self._count = 0
        self.notifications = []

    def __enter__(self):
        self._socket = self._connection.__enter__()
        return self

    def __exit__(self, *error):
        return self._connection.__exit__(*error)

    def ask(self, method, *parameters):
        self._count += 1
        self._socket.send(json.dumps({"jsonrpc": "2.0", "id": self._count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=10))
            if message.get("id") == self._count:
                return message.get("result", message.get("error"))
            self.notifications.append(message["params"])

    def next(self):
        if self.notifications:
            return self.notifications.pop(0)
        return json.loads(self._socket.recv(timeout=10))["params"]


def test_new_heads_are_headers(chain):
    with Socket(chain) as socket:
        subscription = socket.ask("eth_subscribe", "newHeads")
        chain.mine(2)
        for number in ("0x1", "0x2"):
            heard = socket.next()
            block = chain.rpc("eth_getBlockByNumber", number, False)
            assert heard["subscription"] == subscription
            assert heard["result"] == {key: block[key] for key in heard["result"]}
            assert "transactions" not in heard["result"]


def test_logs_are_filtered(chain):
    token, counter = chain.contract("token"), chain.contract("counter")
    with Socket(chain) as socket:
        subscription = socket.ask("eth_subscribe", "logs", {"address": counter.address, "topics": []})
        chain.send_call("account 0", token.functions.mint(counter.address, 1))
        chain.send_call("account 0", counter.functions.increment())
        chain.mine()
        heard = socket.next()
        assert heard["subscription"] == subscription and heard["result"]["address"] == counter.address.lower()
        assert [heard["result"]] == chain.rpc("eth_getLogs", {"fromBlock": "0x1", "address": counter.address})


def test_what_is_unsubscribed_is_silent(chain):
    with Socket(chain) as socket:
        heads = socket.ask("eth_subscribe", "newHeads")
        waiting = socket.ask("eth_subscribe", "newPendingTransactions")
        assert socket.ask("eth_unsubscribe", heads) is True and socket.ask("eth_unsubscribe", heads) is False
        sent = chain.send("account 0")
        chain.mine()
        assert socket.next() == {"subscription": waiting, "result": sent}
        assert socket.ask("eth_blockNumber") == "0x1" and socket.notifications == []


def test_a_subscription_belongs_to_its_connection(chain):
    with Socket(chain) as first, Socket(chain) as second:
        subscription = first.ask("eth_subscribe", "newHeads")
        assert second.ask("eth_unsubscribe", subscription) is False
        chain.mine()
        assert first.next()["result"]["number"] == "0x1"
        assert second.ask("eth_blockNumber") == "0x1" and second.notifications == []


def test_mining_over_the_same_socket_answers_and_notifies(chain):
    with Socket(chain) as socket:
        socket.ask("eth_subscribe", "newHeads")
        assert socket.ask("dev_mine", 3).startswith("0x")
        assert [socket.next()["result"]["number"] for _ in range(3)] == ["0x1", "0x2", "0x3"]


def test_bad_subscriptions_are_errors(chain):
    with Socket(chain) as socket:
        assert socket.ask("eth_subscribe", "weather")["code"] == -32602
        assert socket.ask("eth_subscribe")["code"] == -32602
        assert socket.ask("eth_subscribe", "logs", {"address": "0x12"})["code"] == -32602


def test_a_client_that_does_not_read_is_disconnected(chain):
    with Socket(chain) as socket:
        for _ in range(40):
            socket.ask("eth_subscribe", "newHeads")
        for _ in range(4):
            chain.rpc("dev_mine", 1_000)
        with pytest.raises(ConnectionClosed):
            while True:
                socket.next()
    assert chain.web3.eth.block_number == 4_000


def test_web3_hears_heads_and_logs(chain):
    counter = chain.contract("counter")

    async def listen() -> list:
        heard = []
        done = asyncio.Event()

        async def note(context) -> None:
            heard.append(context.result)
            if len(heard) == 2:
                done.set()

        async with AsyncWeb3(WebSocketProvider(chain.start["ws"])) as web3:
            await web3.subscription_manager.subscribe([
                NewHeadsSubscription(handler=note), LogsSubscription(address=counter.address, handler=note)])
            await asyncio.to_thread(chain.send_call, "account 0", counter.functions.increment())
            await asyncio.to_thread(chain.mine)
            handling = asyncio.create_task(web3.subscription_manager.handle_subscriptions(run_forever=True))
            await asyncio.wait_for(done.wait(), 20)
            handling.cancel()
            await asyncio.gather(handling, return_exceptions=True)
        return heard

    head, log = asyncio.run(listen())
    assert head["number"] == 1 and log["address"] == counter.address


def test_connections_break_when_told_to(chain):
    with Socket(chain) as socket:
        socket.ask("eth_subscribe", "newHeads")
        assert chain.rpc("dev_cutSockets") is True
        with pytest.raises(ConnectionClosed):
            socket.next()
