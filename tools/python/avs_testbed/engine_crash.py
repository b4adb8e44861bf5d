"""The aggregator and its script workers are killed while tasks run; what a run had done is not done again."""

import json
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import tasks
from .crash_run import ATTEMPT, CrashReport, CrashScenario, repeated
from .processes import free_port
from .stubs import avs
from .users import User
from .waiting import until
from .web import WebServer

TASKS = 8
CALLERS = 4
END_SECONDS = 600
KILL_AFTER = range(1, 60)
"""Requests of nodes between a start and the next kill: what is killed is in the middle of its runs."""
WORKER_KILLS = 0.3
"""The share of kills that take a script worker before they take the aggregator."""

ENDED = {avs.EXECUTION_STATUS_SUCCESS, avs.EXECUTION_STATUS_FAILED}
"""An error would be the aggregator's own."""
UNKNOWN = "outcome unknown after restart"


@dataclass
class EngineReport(CrashReport):
    worker_kills: int = 0
    executions: int = 0
    unknown: int = 0
    failed_scripts: int = 0
    resumed: int = 0

    def counts(self) -> str:
        return (f"{self.kills} kills of the aggregator, {self.worker_kills} of a script worker; {self.executions} "
                f"executions, {self.resumed} of them asked again for what was not recorded, {self.unknown} with an "
                f"effect of which nothing is known, {self.failed_scripts} with a script that was killed")


class Callers:
    """Start runs one after another, each call repeated under its key until it has an answer."""

    def __init__(self, user: User, made: list[str], count: int):
        self.user, self.made, self.count = user, made, count
        self.accepted: dict[int, str] = {}
        self.errors: list[BaseException] = []
        self._next = 0
        self._lock = threading.Lock()

    def work(self) -> None:
        try:
            while (number := self._take()) is not None:
                execution = self._trigger(number)
                with self._lock:
                    self.accepted[number] = execution
        except BaseException as error:
            self.errors.append(error)

    def _take(self) -> int | None:
        with self._lock:
            if self._next >= self.count:
                return None
            self._next += 1
            return self._next - 1

    def task(self, number: int) -> str:
        return self.made[number % len(self.made)]

    def _trigger(self, number: int) -> str:
        request = avs.TriggerTaskReq(task_id=self.task(number), trigger_type=avs.TRIGGER_TYPE_MANUAL)
        tasks.set_value(request.trigger_input["run"], str(number))
        request.manual_trigger.SetInParent()
        tasks.set_value(request.manual_trigger.data, {"run": number})
        metadata = [("authkey", self.user.token), ("idempotency-key", f"run-{number}")]
        return repeated(lambda: self.user.stub.TriggerTask(request, metadata=metadata, **ATTEMPT)).execution_id


class EngineCrash(CrashScenario):
    """One run of the scenario: `cycles` kills, and ten runs for each."""

    Report = EngineReport
    SETTINGS = {
        "limits": {"profile": "test", "queued_per_task": 10_000, "queued_per_owner": 100_000},
        # A run that three kills in a row interrupt would be given up (XO-20): right, but not what is asked here.
        "execution": {"max_attempts": 100},
    }

    def run(self) -> EngineReport:
        self.web = WebServer(free_port())
        try:
            self.aggregator.settings = self.aggregator.settings | {"fetch": {"allow": [self.web.authority]}}
            self.aggregator.configure()
            self.aggregator.start()
            with self.aggregator.channel() as channel:
                self._run(User(channel).sign_in())
        finally:
            self.web.stop()
        return self.report

    def _run(self, user: User) -> None:
        wallet = user.wallet().address
        callers = Callers(user, [user.create(self._task(wallet)) for _ in range(TASKS)], 10 * self.cycles)
        with ThreadPoolExecutor(CALLERS) as pool:
            works = [pool.submit(callers.work) for _ in range(CALLERS)]
            self._kill()
            for work in works:
                work.result()
        self.report.expect(not callers.errors, f"a caller gave up: {callers.errors[:1]}")
        self._check(user, callers)
        self.stop()

    def _task(self, wallet: str):
        """Asks, computes, has an effect, and asks again: reads and effects on both sides of each other."""
        url = self.web.url
        nodes = [
            tasks.rest(f"{url}/before/{{{{run}}}}", "before"),
            tasks.custom_code("return {twice: Number(run) * 2}", "computed"),
            tasks.rest(f"{url}/effect/{{{{run}}}}", "effect", method="POST", body="{{computed.data.twice}}"),
            tasks.rest(f"{url}/after/{{{{run}}}}", "after"),
        ]
        return tasks.task(wallet, tasks.manual(), nodes)

    def _kill(self) -> None:
        for _ in range(self.cycles):
            goal = len(self.web.requests) + self.random.choice(KILL_AFTER)
            # The last runs may be over before the goal: then it is killed while nothing runs.
            deadline = time.monotonic() + 2
            while len(self.web.requests) < goal and time.monotonic() < deadline:
                time.sleep(0.002)
            if self.random.random() < WORKER_KILLS and (workers := self._script_workers()):
                self._end(self.random.choice(workers))
            self.kill()
            self.check_files()
            self.aggregator.start()

    def _end(self, worker: int) -> None:
        try:
            os.kill(worker, signal.SIGKILL)
            self.report.worker_kills += 1
        except ProcessLookupError:
            pass
        # Long enough for a run to meet the loss.
        time.sleep(self.random.uniform(0, 0.05))

    def _script_workers(self) -> list[int]:
        """The aggregator's children."""
        children = Path(f"/proc/{self.aggregator.process.pid}/task")
        found = []
        for thread in children.iterdir() if children.exists() else []:
            try:
                found += [int(child) for child in (thread / "children").read_text().split()]
            except OSError:
                pass
        return found

    # What has to hold

    def _check(self, user: User, callers: Callers) -> None:
        records = {}
        until(lambda: self._have_ended(user, callers), END_SECONDS, "the end of all executions")
        for task_id in callers.made:
            found = user.all_executions(task_id)
            indexes = sorted(record.index for record in found)
            self.report.expect(indexes == list(range(len(found))), f"{task_id}: indexes {indexes}")
            records |= {record.id: record for record in found}
        self.report.executions = len(records)
        expected = set(callers.accepted.values())
        lost, many = expected - set(records), set(records) - expected
        self.report.expect(len(expected) == callers.count, f"{callers.count} calls got {len(expected)} executions")
        self.report.expect(not lost and not many, f"lost {lost}, too many {many}")
        asked: dict[str, list[str]] = {}
        for request in self.web.requests:
            kind, number = request["path"].strip("/").split("/")
            asked.setdefault(number, []).append(kind)
        for number, execution in sorted(callers.accepted.items()):
            if execution in records:
                self._check_run(number, records[execution], asked.get(str(number), []))

    @staticmethod
    def _have_ended(user: User, callers: Callers) -> bool:
        shown = [user.task(task_id) for task_id in callers.made]
        done = sum(task.execution_count for task in shown)
        return done >= len(callers.accepted) and all(task.status == avs.Enabled for task in shown)

    def _check_run(self, number: int, record, asked: list[str]) -> None:
        """`asked`: what the web server was asked in this run, in order."""
        expect, count = self.report.expect, Counter(asked)
        where = f"run {number}, execution {record.id}, {asked}"
        errors = {step.name: step.error for step in record.steps if not step.success}
        expect(record.status in ENDED, f"{where}: ended with {record.status}, {record.error}")
        names = [step.name for step in record.steps]
        expect(names == ["start", "before", "computed", "effect", "after"], f"{where}: the steps are {names}")
        expect(count["effect"] <= 1, f"{where}: the effect was tried {count['effect']} times")
        self.report.resumed += any(count[kind] > 1 for kind in ("before", "after"))
        if errors.get("effect") == UNKNOWN:
            self.report.unknown += 1
        elif "effect" not in errors:
            expect(count["effect"] == 1, f"{where}: the effect is reported and was tried {count['effect']} times")
            sent = next((r["body"] for r in self.web.requests if r["path"] == f"/effect/{number}"), "")
            expect("computed" in errors or json.loads(sent) == 2 * number, f"{where}: the effect was sent {sent!r}")
        if "effect" in asked:
            late = asked[asked.index("effect"):]
            expect("before" not in late, f"{where}: a recorded step ran again")
        if "computed" in errors:
            self.report.failed_scripts += 1
        known = {"computed", "effect"} if "computed" in errors else {"effect"}
        strange = {name: text for name, text in errors.items() if name not in known}
        expect(not strange, f"{where}: {strange}")
        if "computed" not in errors:
            expect(errors.get("effect") in (None, UNKNOWN), f"{where}: the effect failed with {errors.get('effect')}")
