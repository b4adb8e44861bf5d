"""The aggregator is killed while owners change tasks, secrets and wallets and start runs."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .api_client import AnswerLost, ApiClient
from .crash_run import CrashReport, CrashScenario
from .users import User

OWNERS = 4
KILL_AFTER_SECONDS = (0.002, 0.8)
"""Between the moment when all owners begin to work and the kill."""
KILLED_STARTS = 0.15
"""The share of starts that are killed before they serve."""
READY_SECONDS_MAX = 10


@dataclass
class ApiReport(CrashReport):
    killed_starts: int = 0
    acknowledged: int = 0
    replayed: int = 0
    made: Counter = field(default_factory=Counter)
    unmade: int = 0
    slowest_start: float = 0

    def counts(self) -> str:
        made = ", ".join(f"{count} {name}" for name, count in sorted(self.made.items())) or "none"
        return (f"{self.kills} kills, {self.killed_starts} of them during a start; {self.acknowledged} changes "
                f"acknowledged, {self.replayed} repeated by their key; of the changes without an answer "
                f"{self.made.total()} were made ({made}) and {self.unmade} were not; slowest start "
                f"{self.slowest_start:.2f} s")


class ApiCrash(CrashScenario):
    """One run of the scenario."""

    Report = ApiReport
    SETTINGS = {
        "limits": {"profile": "test", "tasks_per_owner": 10_000, "queued_per_task": 10_000, "queued_per_owner": 100_000,
                   "wallets_per_owner": 10},
        # A run that three kills in a row interrupt would be given up (XO-20): right, but not what is asked here.
        "execution": {"max_attempts": 100},
        "compat": {"project_canceled_as_disabled": False},
    }

    def run(self) -> ApiReport:
        self.aggregator.start()
        channels = [self.aggregator.channel() for _ in range(OWNERS)]
        try:
            self._run([ApiClient(User(channel).sign_in(), self.random.getrandbits(64)) for channel in channels])
        finally:
            for channel in channels:
                channel.close()
        return self.report

    def _run(self, clients: list[ApiClient]) -> None:
        for client in clients:
            client.make_wallet()
        with ThreadPoolExecutor(OWNERS) as pool:
            for _ in range(self.cycles):
                self._kill_while_they_work(clients, pool)
                self.check_files()
                self._start()
                self._together(clients, pool, ApiClient.verify)
                if self.report.problems or any(client.problems for client in clients):
                    break
        for client in clients:
            self.report.problems += client.problems
            self.report.acknowledged += client.acknowledged
            self.report.replayed += client.replayed
            self.report.made.update(client.made)
            self.report.unmade += client.unmade
        self.stop()

    def _kill_while_they_work(self, clients: list[ApiClient], pool: ThreadPoolExecutor) -> None:
        ends = threading.Event()

        def work(client: ApiClient) -> None:
            try:
                while not ends.is_set():
                    client.step()
            except AnswerLost:
                pass

        works = [pool.submit(work, client) for client in clients]
        time.sleep(self.random.uniform(*KILL_AFTER_SECONDS))
        self.kill()
        ends.set()
        for running in works:
            running.result()

    def _start(self) -> None:
        """Starts it again; some starts are killed before they are through."""
        while self.random.random() < KILLED_STARTS:
            self.aggregator.launch()
            time.sleep(self.random.uniform(0, 0.4))
            self.kill()
            self.report.killed_starts += 1
            self.check_files()
        began = time.monotonic()
        self.aggregator.start()
        took = time.monotonic() - began
        self.report.slowest_start = max(self.report.slowest_start, took)
        self.report.expect(took <= READY_SECONDS_MAX, f"a start took {took:.1f} s, allowed are {READY_SECONDS_MAX}")

    @staticmethod
    def _together(clients: list[ApiClient], pool: ThreadPoolExecutor, what) -> None:
        for running in [pool.submit(what, client) for client in clients]:
            running.result()
