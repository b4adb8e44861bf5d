"""The aggregator is killed while two operators report triggers; what it acknowledged has to be there afterwards."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import tasks
from .crash_run import ATTEMPT, FINAL, CrashReport, CrashScenario, repeated
from .operators import Operator
from .stubs import avs
from .users import User
from .waiting import until

TASKS = 6
WORKERS = 3
"""Reports of one operator on their way at once."""
CYCLE_SECONDS = 180
END_SECONDS = 300
KILL_AFTER = range(1, 120)
"""Answers between a start and the next kill."""


@dataclass
class IntakeReport(CrashReport):
    occurrences: int = 0
    answers: Counter = field(default_factory=Counter)
    executions: int = 0

    def counts(self) -> str:
        answers = ", ".join(f"{count} {word}" for word, count in sorted(self.answers.items()))
        return (f"{self.kills} kills; {self.occurrences} occurrences, each reported by two operators ({answers}); "
                f"{self.executions} executions")


class Intake:
    """Two operators that report occurrence after occurrence, each until it has an answer."""

    def __init__(self, operators: list[Operator], made: list[str]):
        self.operators, self.made = operators, made
        self.words: dict[int, list[str]] = {}
        self.errors: list[BaseException] = []
        self._next = [0] * len(operators)
        self._last: int | None = None
        self._answered = threading.Condition()
        self.answers = 0

    def work(self, side: int) -> None:
        """One worker of one operator; ends after the last occurrence, or with the first error that is not passing."""
        try:
            while (number := self._take(side)) is not None:
                word = self._report(self.operators[side], number)
                with self._answered:
                    self.words.setdefault(number, []).append(word)
                    self.answers += 1
                    self._answered.notify_all()
        except BaseException as error:
            with self._answered:
                self.errors.append(error)
                self._answered.notify_all()

    def _take(self, side: int) -> int | None:
        with self._answered:
            number = self._next[side]
            if self._last is not None and number > self._last:
                return None
            self._next[side] += 1
            return number

    def _report(self, operator: Operator, number: int) -> str:
        request = operator.block_report(self.task(number), number)
        return repeated(lambda: operator.call("NotifyTriggers", request, metadata=operator.credential(), **ATTEMPT)).status

    def task(self, number: int) -> str:
        return self.made[number % len(self.made)]

    def wait_for_answers(self, count: int) -> None:
        """Waits until so many more reports were answered."""
        with self._answered:
            goal = self.answers + count
            if not self._answered.wait_for(lambda: self.answers >= goal or self.errors, CYCLE_SECONDS):
                raise TimeoutError(f"{count} answers did not come within {CYCLE_SECONDS} s")
            if self.errors:
                raise self.errors[0]

    def finish(self) -> int:
        """Both operators stop after the same occurrence; returns how many occurrences there are."""
        with self._answered:
            self._last = max(self._next) - 1
            return self._last + 1


class Switch:
    """A task that its owner switches off and on all the time, through every kill."""

    def __init__(self, user: User, task_id: str):
        self.user, self.task_id = user, task_id
        self.ends = threading.Event()
        self.wished = True
        self.errors: list[BaseException] = []

    def work(self) -> None:
        try:
            while not self.ends.is_set():
                self.wished = not self.wished
                self._wish()
        except BaseException as error:
            self.errors.append(error)

    def _wish(self) -> None:
        request = avs.SetTaskEnabledReq(id=self.task_id, enabled=self.wished)
        metadata = [("authkey", self.user.token)]
        answer = repeated(lambda: self.user.stub.SetTaskEnabled(request, metadata=metadata, **ATTEMPT))
        assert answer.success, answer


class IntakeCrash(CrashScenario):
    """One run of the scenario."""

    Report = IntakeReport
    SETTINGS = {
        "limits": {"profile": "test", "queued_per_task": 10_000, "queued_per_owner": 100_000},
        # A run that three kills in a row interrupt would be given up (XO-20): right, but not what is asked here.
        "execution": {"max_attempts": 100},
    }

    def run(self) -> IntakeReport:
        self.aggregator.start()
        channels = [self.aggregator.channel() for _ in range(3)]
        try:
            self._run(User(channels[0]).sign_in(), [Operator(channel, n) for n, channel in enumerate(channels[1:])])
        finally:
            for channel in channels:
                channel.close()
        return self.report

    def _run(self, user: User, operators: list[Operator]) -> None:
        wallet = user.wallet().address
        intake = Intake(operators, [user.create(tasks.task(wallet, tasks.block())) for _ in range(TASKS)])
        switch = Switch(user, user.create(tasks.task(wallet, tasks.block())))
        with ThreadPoolExecutor(2 * WORKERS + 1) as pool:
            try:
                for worker in range(2 * WORKERS):
                    pool.submit(intake.work, worker % 2)
                pool.submit(switch.work)
                self._kill(intake)
            finally:
                switch.ends.set()
                self.report.occurrences = intake.finish()
        errors = intake.errors + switch.errors
        self.report.expect(not errors, f"a caller gave up: {errors[:1]}")
        self.report.answers = Counter(word for words in intake.words.values() for word in words)
        self._check(user, intake, switch)
        self._check_again_after_a_restart(user, intake, switch)

    def _kill(self, intake: Intake) -> None:
        for _ in range(self.cycles):
            intake.wait_for_answers(self.random.choice(KILL_AFTER))
            self.kill()
            self.check_files()
            self.aggregator.start()
        intake.wait_for_answers(1)

    # What has to hold

    def _check(self, user: User, intake: Intake, switch: Switch) -> None:
        until(lambda: self._is_idle(user, intake), END_SECONDS, "the end of all executions")
        expect = self.report.expect
        for number, words in intake.words.items():
            expect(len(words) == 2 and words.count("enabled") <= 1 and set(words) <= {"enabled", "deduplicated"},
                   f"occurrence {number} was answered {words}")
        expect(len(intake.words) == self.report.occurrences, f"answers for {len(intake.words)} occurrences only")
        self.report.executions = 0
        for place, task_id in enumerate(intake.made):
            expected = range(place, self.report.occurrences, len(intake.made))
            self._check_task(user, task_id, Counter(expected))
        self._check_status(user, intake, switch)

    def _is_idle(self, user: User, intake: Intake) -> bool:
        shown = [user.task(task_id) for task_id in intake.made]
        done = sum(task.execution_count for task in shown)
        return done >= self.report.occurrences and all(task.status == avs.Enabled for task in shown)

    def _check_task(self, user: User, task_id: str, expected: Counter) -> None:
        expect = self.report.expect
        records = user.all_executions(task_id)
        self.report.executions += len(records)
        found = Counter(int(r.steps[0].block_trigger.data.struct_value["blockNumber"]) for r in records if r.steps)
        expect(found == expected, f"{task_id}: lost {expected - found}, too many {found - expected}")
        expect(all(record.status in FINAL for record in records), f"{task_id}: an execution has not ended")
        failed = [(r.id, r.status, r.error) for r in records if r.status != avs.EXECUTION_STATUS_SUCCESS]
        expect(not failed, f"{task_id}: {len(failed)} executions did not succeed, such as {failed[:1]}")
        indexes = sorted(record.index for record in records)
        expect(indexes == list(range(len(records))), f"{task_id}: indexes {indexes} are not 0…{len(records) - 1}")
        count = user.task(task_id).execution_count
        expect(count == len(records), f"{task_id}: counts {count} executions, has {len(records)}")

    def _check_status(self, user: User, intake: Intake, switch: Switch) -> None:
        """A task under two status letters would be listed or counted twice (D-13)."""
        wallet = user.wallet()
        wished = avs.Enabled if switch.wished else avs.Disabled
        shown = user.task(switch.task_id).status
        self.report.expect(shown == wished, f"the switched task is {shown}, acknowledged was {wished}")
        counts = (wallet.total_task_count, wallet.enabled_task_count, wallet.disabled_task_count)
        expected = (TASKS + 1, TASKS + (1 if switch.wished else 0), 0 if switch.wished else 1)
        self.report.expect(counts == expected, f"the wallet counts {counts} tasks, wanted {expected}")
        listed = user.call("ListTasks", avs.ListTasksReq(smart_wallet_address=[wallet.address], limit=1000)).items
        ids = sorted(item.id for item in listed)
        self.report.expect(ids == sorted([*intake.made, switch.task_id]), f"the wallet lists {ids}")

    def _check_again_after_a_restart(self, user: User, intake: Intake, switch: Switch) -> None:
        self.stop()
        self.aggregator.start()
        before = self.report.executions
        with self.aggregator.channel() as channel:
            again = User(channel, user.account).sign_in()
            self._check(again, intake, switch)
        self.report.expect(self.report.executions == before, f"{before} executions became {self.report.executions}")
        self.stop()
