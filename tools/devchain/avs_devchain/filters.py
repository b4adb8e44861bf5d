"""What of the chain's logs somebody wants, and filters that remember what is new since they were last asked."""

from dataclasses import dataclass, field
from typing import Any

from . import render
from .blocks import Block, PlacedLog
from .chain import Listener
from .commitments import bloom_of
from .jsonrpc import INVALID_PARAMS, LIMIT_EXCEEDED, SERVER_ERROR, RPCError, address, hash32, mapping
from .state import EventLog
from .transactions import Transaction

MAX_TOPICS = 4
MAX_CHOICES = 1_000  # addresses, or alternatives for one topic
MAX_FILTERS = 1_000
MAX_UNREAD = 10_000  # a filter that nobody reads is dropped when it has collected this much


@dataclass(frozen=True)
class LogFilter:
    """Addresses and topics; None stands for any."""

    addresses: frozenset[str] | None = None
    topics: tuple[frozenset[str] | None, ...] = ()

    @classmethod
    def parse(cls, value: Any) -> "LogFilter":
        """Reads the `address` and `topics` members of a filter object."""
        value = mapping(value or {})
        topics = value.get("topics") or []
        if not isinstance(topics, list) or len(topics) > MAX_TOPICS:
            raise RPCError(INVALID_PARAMS, f"topics must be an array of at most {MAX_TOPICS}")
        return cls(choices(value.get("address"), address), tuple(choices(topic, hash32) for topic in topics))

    def matches(self, log: EventLog) -> bool:
        if self.addresses is not None and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(wanted is None or topic in wanted for wanted, topic in zip(self.topics, log.topics))

    def may_match(self, bloom: int) -> bool:
        """Whether a block with this bloom can hold a log that matches."""
        return all(
            any(bloom & bit == bit for bit in map(bloom_of_item, alternatives))
            for alternatives in (self.addresses, *self.topics) if alternatives is not None
        )


def bloom_of_item(item: str) -> int:
    return bloom_of([EventLog(item, (), "0x")])


def choices(value: Any, read) -> frozenset[str] | None:
    """Reads one value or an array of alternatives; null and an empty array are no restriction."""
    if value is None or value == []:
        return None
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_CHOICES:
        raise RPCError(INVALID_PARAMS, f"at most {MAX_CHOICES} alternatives")
    return frozenset(read(item) for item in values)


@dataclass
class Installed:
    """A filter of eth_newFilter and its relatives."""

    kind: str  # "logs", "blocks" or "transactions"
    wanted: LogFilter
    options: dict
    unread: list = field(default_factory=list)


class FilterTable(Listener):
    """The installed filters, by id."""

    def __init__(self) -> None:
        self._filters: dict[str, Installed] = {}
        self._count = 0

    def install(self, kind: str, options: Any = None) -> str:
        if len(self._filters) >= MAX_FILTERS:
            raise RPCError(LIMIT_EXCEEDED, f"there are {MAX_FILTERS} filters already; uninstall some")
        wanted = LogFilter.parse(options)
        self._count += 1
        self._filters[hex(self._count)] = Installed(kind, wanted, options or {})
        return hex(self._count)

    def uninstall(self, identifier: str) -> bool:
        return self._filters.pop(identifier, None) is not None

    def get(self, identifier: str) -> Installed:
        if identifier not in self._filters:
            raise RPCError(SERVER_ERROR, "filter not found")
        return self._filters[identifier]

    def take(self, identifier: str) -> list:
        installed = self.get(identifier)
        unread, installed.unread = installed.unread, []
        return unread

    def mined(self, block: Block, logs: list[PlacedLog]) -> None:
        self._add("blocks", [block.hash])
        self._add_logs(logs)

    def removed(self, logs: list[PlacedLog]) -> None:
        self._add_logs(logs)

    def pending(self, transaction: Transaction) -> None:
        self._add("transactions", [transaction.hash])

    def _add_logs(self, logs: list[PlacedLog]) -> None:
        for identifier, installed in list(self._filters.items()):
            if installed.kind == "logs":
                matching = [render.log_json(log) for log in logs if installed.wanted.matches(log.log)]
                self._extend(identifier, installed, matching)

    def _add(self, kind: str, items: list) -> None:
        for identifier, installed in list(self._filters.items()):
            if installed.kind == kind:
                self._extend(identifier, installed, items)

    def _extend(self, identifier: str, installed: Installed, items: list) -> None:
        installed.unread.extend(items)
        if len(installed.unread) > MAX_UNREAD:
            del self._filters[identifier]
