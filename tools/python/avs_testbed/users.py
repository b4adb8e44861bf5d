"""Owners of tasks."""

from datetime import datetime, timedelta, timezone

import grpc
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from .stubs import avs, avs_grpc

CALL_SECONDS = 60


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def sign_in_message(wallet: str, chain_id, expires_in: float = 3600, version: str = "1.0.0") -> str:
    """The eight lines, composed by the client itself."""
    now = datetime.now(timezone.utc)
    return "\n".join([
        "Please sign the below text for ownership verification.",
        "",
        "URI: https://app.avaprotocol.org",
        f"Chain ID: {chain_id}",
        f"Version: {version}",
        f"Issued At: {instant(now)}",
        f"Expire At: {instant(now + timedelta(seconds=expires_in))}",
        f"Wallet: {wallet}",
    ])


def signature_of(message: str, account: LocalAccount) -> str:
    return "0x" + account.sign_message(encode_defunct(text=message)).signature.hex().removeprefix("0x")


class User:
    """An account with a channel of its own and a token from GetKey."""

    def __init__(self, channel: grpc.Channel, account: LocalAccount | None = None):
        self.account = account or Account.create()
        self.stub = avs_grpc.AggregatorStub(channel)
        self.token: str | None = None

    @property
    def address(self) -> str:
        return self.account.address

    def sign_in(self) -> "User":
        """Exchanges the server's own text, signed, for a token."""
        text = self.stub.GetSignatureFormat(
            avs.GetSignatureFormatReq(wallet=self.address), timeout=CALL_SECONDS).message
        request = avs.GetKeyReq(message=text, signature=signature_of(text, self.account))
        self.token = self.stub.GetKey(request, timeout=CALL_SECONDS).key
        return self

    def call(self, name: str, request, *, token: str | None = None, timeout: float = CALL_SECONDS):
        """Makes a call as this user; a failure is a grpc.RpcError."""
        token = self.token if token is None else token
        metadata = [("authkey", token)] if token else []
        return getattr(self.stub, name)(request, metadata=metadata, timeout=timeout)

    # The calls that most tests make

    def wallet(self, salt: str = "", factory: str = ""):
        return self.call("GetWallet", avs.GetWalletReq(salt=salt, factory_address=factory))

    def create(self, request) -> str:
        return self.call("CreateTask", request).id

    def task(self, task_id: str):
        return self.call("GetTask", avs.IdReq(id=task_id))

    def trigger(self, task_id: str, kind: int, *, blocking: bool = False, **fields):
        return self.call(
            "TriggerTask", avs.TriggerTaskReq(task_id=task_id, trigger_type=kind, is_blocking=blocking, **fields))

    def execution(self, task_id: str, execution_id: str):
        return self.call("GetExecution", avs.ExecutionReq(task_id=task_id, execution_id=execution_id))

    def executions(self, *task_ids: str, **paging):
        return self.call("ListExecutions", avs.ListExecutionsReq(task_ids=task_ids, **paging))

    def all_executions(self, *task_ids: str) -> list:
        """Every execution of these tasks, the newest first, page after page."""
        found, cursor = [], ""
        while True:
            page = self.executions(*task_ids, after=cursor, limit=200)
            found += page.items
            if not page.page_info.has_next_page:
                return found
            cursor = page.page_info.end_cursor

    def set_enabled(self, task_id: str, enabled: bool):
        return self.call("SetTaskEnabled", avs.SetTaskEnabledReq(id=task_id, enabled=enabled))

    def cancel(self, task_id: str):
        return self.call("CancelTask", avs.IdReq(id=task_id))

    def delete(self, task_id: str):
        return self.call("DeleteTask", avs.IdReq(id=task_id))
