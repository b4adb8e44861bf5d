"""What the scenarios of tools/test-crash have in common."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

import grpc

from .processes import Aggregator, inspector
from .stubs import avs

ATTEMPT = {"timeout": 5, "wait_for_ready": True}
"""The options of one attempt at a call."""
ANSWER_SECONDS = 180
"""How long one call is repeated until it has an answer."""
PROBLEMS_SHOWN_MAX = 50

LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED}
"""The answer did not come: whether the change was made is not known."""
TEMPORARY = LOST | {grpc.StatusCode.RESOURCE_EXHAUSTED}
FINAL = {avs.EXECUTION_STATUS_SUCCESS, avs.EXECUTION_STATUS_FAILED, avs.EXECUTION_STATUS_ERROR}

Answer = TypeVar("Answer")


def repeated(call: Callable[[], Answer]) -> Answer:
    """The answer of a call that is safe to repeat, however often its server is killed meanwhile; each attempt is one
    `call`, made with `ATTEMPT`."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            if error.code() not in TEMPORARY or time.monotonic() > deadline:
                raise


@dataclass
class CrashReport:
    """What came of a scenario."""

    has_checked_store: bool = False
    kills: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.problems

    def expect(self, condition: bool, problem: str) -> None:
        if not condition:
            self.problems.append(problem)

    def __str__(self) -> str:
        checked = "store checked" if self.has_checked_store else "store not checked"
        summary = f"{self.counts()}; {checked}; {len(self.problems)} problems"
        return "\n".join([summary, *self.problems[:PROBLEMS_SHOWN_MAX]])

    def counts(self) -> str:
        """What was done, in one line of words."""
        return f"{self.kills} kills"


class CrashScenario:
    """A load, the kills of the aggregator under it, and what has to hold afterwards."""

    SETTINGS: ClassVar[dict] = {}
    """The aggregator's configuration."""
    Report: ClassVar[type[CrashReport]] = CrashReport

    def __init__(self, aggregator: Aggregator, cycles: int, seed: int):
        self.aggregator, self.cycles = aggregator, cycles
        self.random = random.Random(seed)
        self.report = self.Report(has_checked_store=inspector() is not None)

    def kill(self) -> None:
        self.aggregator.kill()
        self.report.kills += 1

    def stop(self) -> None:
        """Asks the aggregator to end, and looks at what it left."""
        status = self.aggregator.stop()
        self.report.expect(status == 0, f"SIGTERM ended the aggregator with {status}")
        self.check_files()

    def check_files(self) -> None:
        self.report.problems += self.aggregator.findings()
