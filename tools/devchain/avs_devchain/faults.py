"""Misbehaviour on request: what a client meets when a node is overloaded, broken or lying."""

from dataclasses import dataclass
from typing import Any

from .jsonrpc import INVALID_PARAMS, RPCError, mapping, quantity

MAX_DELAY_MILLISECONDS = 600_000
KINDS = ("error", "result", "status", "body", "close")


@dataclass
class Fault:
    """What happens to the next `count` requests that match.

    The delay comes first, then one of: an error object, a wrong result, an HTTP status, a body that is no JSON-RPC,
    or the end of the connection without an answer; or nothing else.
    """

    method: str | None
    count: int
    delay_seconds: float
    kind: str | None
    value: Any

    @classmethod
    def parse(cls, options: Any) -> "Fault":
        fields = mapping(options)
        kinds = [kind for kind in KINDS if kind in fields]
        if len(kinds) > 1:
            raise RPCError(INVALID_PARAMS, f"only one of {', '.join(KINDS)}")
        if unknown := fields.keys() - {"method", "count", "delay", *KINDS}:
            raise RPCError(INVALID_PARAMS, f"unknown members {', '.join(sorted(unknown))}")
        delay = quantity(fields.get("delay", 0))
        if delay > MAX_DELAY_MILLISECONDS or (not delay and not kinds):
            raise RPCError(
                INVALID_PARAMS, f"a fault has a delay of 1 to {MAX_DELAY_MILLISECONDS} ms, or a kind, or both")
        kind = kinds[0] if kinds else None
        value = fields.get(kind) if kind else None
        if kind == "error":
            value = {"code": -32000, "message": "injected fault", **mapping(value)}
        if kind == "status" and not (isinstance(value, int) and 200 <= value <= 599):
            raise RPCError(INVALID_PARAMS, "status must be 200 to 599")
        return cls(fields.get("method"), quantity(fields.get("count", 1)), delay / 1_000, kind, value)


class Faults:
    """The faults that are set, oldest first. Methods that only a development chain has are never hit."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def set(self, faults: list[Fault]) -> None:
        self._faults = faults

    def take(self, request: Any) -> Fault | None:
        """Returns the fault for a request, which is then used up once. A batch is hit if one of its requests is."""
        methods = [
            one.get("method") for one in (request if isinstance(request, list) else [request]) if isinstance(one, dict)
        ]
        for fault in self._faults:
            if fault.count > 0 and any(hits(fault, method) for method in methods):
                fault.count -= 1
                return fault
        return None


def hits(fault: Fault, method: Any) -> bool:
    if not isinstance(method, str) or method.startswith(("dev_", "evm_")):
        return False
    return fault.method in (None, method)
