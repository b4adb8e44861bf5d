"""JSON-RPC 2.0: errors, the table of methods, and the reading of parameters."""

import inspect
import re
from collections.abc import Callable
from typing import Any

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
LIMIT_EXCEEDED = -32005
REVERTED = 3

MAX_BATCH = 1_000

# Bounds that leave room for arithmetic in the EVM's 256 bits.
MAX_NONCE = 2**64 - 2  # EIP-2681
MAX_TIME = 2**53
MAX_HEIGHT = 2**53
MAX_BASE_FEE = 2**96


class RPCError(Exception):
    """An answer that is an error object."""

    def __init__(self, code: int, message: str, data: Any = None):
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    def described(self) -> dict[str, Any]:
        body = {"code": self.code, "message": self.message}
        return body if self.data is None else {**body, "data": self.data}


class Methods:
    """The methods that a node answers, by name. A function's parameters after the first are the call's."""

    def __init__(self) -> None:
        self._functions: dict[str, tuple[Callable, inspect.Signature]] = {}

    def named(self, *names: str) -> Callable[[Callable], Callable]:
        def register(function: Callable) -> Callable:
            for name in names:
                self._functions[name] = (function, inspect.signature(function))
            return function
        return register

    def names(self) -> list[str]:
        return sorted(self._functions)

    def call(self, subject: Any, name: str, parameters: list) -> Any:
        """Calls a method on the node or session it belongs to. What a peer can do wrong raises RPCError."""
        if name not in self._functions:
            raise RPCError(METHOD_NOT_FOUND, f"the method {name} does not exist/is not available")
        function, signature = self._functions[name]
        try:
            bound = signature.bind(subject, *parameters)
        except TypeError as error:
            raise RPCError(INVALID_PARAMS, f"{name}: {error}") from error
        for parameter, value in bound.arguments.items():
            wanted = signature.parameters[parameter].annotation
            if wanted in (str, bool, list) and not isinstance(value, wanted):
                raise invalid(f"a {wanted.__name__} for {parameter}", value)
        return function(*bound.args, **bound.kwargs)

    def __contains__(self, name: str) -> bool:
        return name in self._functions


def request_parts(request: Any) -> tuple[str, list, Any, bool]:
    """Returns (method, parameters, id, is it a notification) of one request object. Raises RPCError."""
    match request:
        case {"method": str(method)}:
            parameters = request.get("params", [])
            if not isinstance(parameters, list):
                raise RPCError(INVALID_PARAMS, "params must be an array")
            return method, parameters, request.get("id"), "id" not in request
        case _:
            raise RPCError(INVALID_REQUEST, "invalid request")


def answer(identifier: Any, result: Any = None, error: RPCError | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": identifier}
    return {**body, "error": error.described()} if error else {**body, "result": result}


# --- Parameters ------------------------------------------------------------------------------------------------------

def invalid(what: str, value: Any) -> RPCError:
    return RPCError(INVALID_PARAMS, f"invalid argument: {value!r} is not {what}")


def quantity(value: Any) -> int:
    """Reads `0x1f`; plain numbers are taken too."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]{1,64}", value):
        return int(value, 16)
    raise invalid("a hex quantity", value)


def bounded(value: Any, maximum: int) -> int:
    """Reads a quantity that must not be larger than `maximum`."""
    number = quantity(value)
    if number > maximum:
        raise RPCError(INVALID_PARAMS, f"invalid argument: {value!r} is over {maximum}")
    return number


def binary(value: Any) -> bytes:
    if isinstance(value, str) and re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", value):
        return bytes.fromhex(value[2:])
    raise invalid("hex data", value)


def address(value: Any) -> str:
    """Returns it in lower case."""
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]{40}", value):
        return value.lower()
    raise invalid("an address", value)


def hash32(value: Any) -> str:
    """Returns it in lower case."""
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]{64}", value):
        return value.lower()
    raise invalid("a hash", value)


def mapping(value: Any) -> dict:
    if isinstance(value, dict):
        return value
    raise invalid("an object", value)
