"""Operators: they hold a stream of checks and report triggers."""

import queue
import threading
import time

import grpc
from eth_account import Account
from eth_account.messages import encode_defunct

from .stubs import avs, node, node_grpc

CALL_SECONDS = 60


def operator_account(number: int):
    """The same accounts in every run; their addresses are in the configuration."""
    return Account.from_key((0x0A5E_0000_0000 + number).to_bytes(32, "big"))


class Operator:
    """One operator with a channel of its own."""

    def __init__(self, channel: grpc.Channel, number: int):
        self.account = operator_account(number)
        self.stub = node_grpc.NodeStub(channel)
        self._fresh: tuple[int, list[tuple[str, str]]] = (0, [])

    @property
    def address(self) -> str:
        return self.account.address

    def metadata(self, *, epoch: int | None = None, signer=None, address: str | None = None) -> list[tuple[str, str]]:
        """A fresh credential, as the reference's operator sends it with every call."""
        epoch = int(time.time()) if epoch is None else epoch
        text = f"Operator:{address or self.address}Epoch:{epoch}"
        signature = (signer or self.account).sign_message(encode_defunct(text=text)).signature.hex()
        return [("authorization", f"Bearer {epoch}.{signature.removeprefix('0x')}")]

    def credential(self) -> list[tuple[str, str]]:
        """A credential that is at most ten seconds old: signing takes longer than the call."""
        now = int(time.time())
        if now - self._fresh[0] > 10:
            self._fresh = (now, self.metadata(epoch=now))
        return self._fresh[1]

    def call(self, name: str, request, *, metadata=None, timeout: float = CALL_SECONDS, **options):
        metadata = self.metadata() if metadata is None else metadata
        return getattr(self.stub, name)(request, metadata=metadata, timeout=timeout, **options)

    # Reports

    def report(self, task_id: str, request_id: str = "", **fields):
        """The request that reports a trigger; `fields` are those of NotifyTriggersReq."""
        return node.NotifyTriggersReq(
            address=self.address, signature="pending", task_id=task_id, trigger_request_id=request_id, **fields)

    def block_report(self, task_id: str, number: int, request_id: str | None = None):
        request_id = f"{task_id}:{number}" if request_id is None else request_id
        return self.report(task_id, request_id, trigger_type=avs.TRIGGER_TYPE_BLOCK, block_trigger=block_output(number))

    def notify(self, task_id: str, request_id: str = "", **fields):
        return self.call("NotifyTriggers", self.report(task_id, request_id, **fields))

    def notify_block(self, task_id: str, number: int, request_id: str | None = None):
        return self.call("NotifyTriggers", self.block_report(task_id, number, request_id))

    def ack(self, message_id: str, **options):
        return self.call("Ack", node.AckMessageReq(id=message_id), **options)

    def report_overload(self, task_id: str):
        return self.call("ReportEventOverload", node.EventOverloadAlert(
            task_id=task_id, operator_address="operator", block_number=1, events_detected=200, safety_limit=100,
            query_index="0", timestamp=int(time.time() * 1000), details="too many"))

    def connect(self, *, clock: int = 1, capabilities=None, **options) -> "Stream":
        return Stream(self, node.SyncMessagesReq(
            id="00" * 32, address=self.address, signature=b"\0" * 64, monotonic_clock=clock,
            capabilities=capabilities), **options)


def block_output(number: int):
    output = avs.BlockTrigger.Output()
    output.data.struct_value.update({
        "blockNumber": number, "blockHash": "0x" + f"{number:064x}", "timestamp": 1_700_000_000 + number,
        "parentHash": "0x" + f"{max(number - 1, 0):064x}", "difficulty": "0", "gasLimit": 30_000_000, "gasUsed": 0})
    return output


class Stream:
    """An open SyncMessages call. A thread reads it until it ends."""

    def __init__(self, operator: Operator, request, metadata=None):
        self._call = operator.stub.SyncMessages(request, metadata=metadata or operator.metadata())
        self._arrived: queue.Queue = queue.Queue(maxsize=100_000)
        self.seen: list = []
        self.status: grpc.RpcError | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for message in self._call:
                self._arrived.put(message)
        except grpc.RpcError as error:
            self.status = error
        self._arrived.put(None)

    def wait_for_headers(self, seconds: float = CALL_SECONDS) -> "Stream":
        """Waits until the server has taken the stream: it sends its headers then."""
        done = threading.Event()
        threading.Thread(target=lambda: (self._call.initial_metadata(), done.set()), daemon=True).start()
        assert done.wait(seconds), "the stream was not opened in time"
        return self

    def next(self, matches=lambda message: True, seconds: float = CALL_SECONDS):
        """The next message that fits; others are kept in `seen`. Fails when the stream ends or time is up."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self._arrived.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no such message within {seconds} s; seen: {self.seen}") from None
            assert message is not None, f"the stream ended ({self.status}); seen: {self.seen}"
            self.seen.append(message)
            if matches(message):
                return message

    def next_of(self, task_id: str, seconds: float = CALL_SECONDS):
        """The next message about this task."""
        return self.next(lambda message: message.id == task_id, seconds)

    def trailers(self) -> dict[str, str]:
        """What came with the end of the stream."""
        return dict(self._call.trailing_metadata())

    def wait_for_end(self, seconds: float = CALL_SECONDS) -> grpc.StatusCode:
        """Waits until the server ends the stream and returns its status."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the stream did not end in time"
        while (message := self._arrived.get_nowait()) is not None:
            self.seen.append(message)
        return self._call.code()

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def close(self) -> None:
        self._call.cancel()
        self._thread.join(CALL_SECONDS)
