"""An owner who changes things at random and remembers what was acknowledged."""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc

from . import tasks
from .crash_run import FINAL, LOST
from .stubs import avs
from .users import User
from .waiting import until

CALL_SECONDS = 30
TASKS_MAX, SECRETS_MAX, WALLETS_MAX, KEYS_MAX = 15, 12, 5, 40


class AnswerLost(Exception):
    """A call ended without an answer."""


@dataclass
class TaskModel:
    name: str
    wallet: str
    limit: int
    status: int = avs.Enabled
    executions: dict[str, bytes | None] = field(default_factory=dict)
    """By id: the record as it was first read, or None while it was not."""

    @property
    def is_spent(self) -> bool:
        return 0 < self.limit <= len(self.executions)


@dataclass
class Unknown:
    """A change whose answer never came."""

    what: str
    settle: Callable[[], None]
    """Finds out whether it was made, and brings the model to that."""


class ApiClient:
    """One owner, whose calls follow one another. `problems` is what contradicts the model."""

    def __init__(self, user: User, seed: int):
        self.user, self.random = user, random.Random(seed)
        self.problems: list[str] = []
        self.acknowledged = 0
        self.replayed = 0
        self.made: list[str] = []
        """Of the unknown changes, those that turned out to be made."""
        self.unmade = 0
        self.unknown: Unknown | None = None
        self.tasks: dict[str, TaskModel] = {}
        self.gone: list[str] = []
        self.secrets: dict[str, tuple[int, int]] = {}
        """By name: when made and when changed, as acknowledged."""
        self.hidden: dict[str, bool] = {}
        """By salt: whether the wallet is hidden."""
        self.addresses: dict[str, str] = {}
        self.keys: list[tuple[str, str, object, object]] = []
        """Calls with an idempotency key: name, key, request, answer."""
        self._number = 0

    # Calls

    def call(self, name: str, request, key: str | None = None):
        metadata = [("authkey", self.user.token)] + ([("idempotency-key", key)] if key else [])
        try:
            answer, call = getattr(self.user.stub, name).with_call(request, metadata=metadata, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            if error.code() in LOST:
                raise AnswerLost(name) from error
            raise
        if key:
            self.was_replayed = dict(call.trailing_metadata() or ()).get("idempotency-replayed") == "true"
        return answer

    def change(self, name: str, request, done: Callable[[object], None], settle: Callable[[], None],
               with_key: bool = False) -> None:
        """Makes one change: `done` with its answer, or remembers that there is none, and raises."""
        key = str(uuid.UUID(int=self.random.getrandbits(128))) if with_key else None

        def repeat() -> None:
            self._settled(name, done, self.call(name, request, key), not self.was_replayed)
            self._remember(name, key, request, done)

        try:
            answer = self.call(name, request, key)
        except AnswerLost:
            self.unknown = Unknown(name, repeat if key else settle)
            raise
        done(answer)
        self.acknowledged += 1
        if key:
            self.keys = self.keys[-KEYS_MAX:] + [(name, key, request, answer)]

    def _settled(self, name: str, done, answer, was_new: bool) -> None:
        done(answer)
        if was_new:
            self.unmade += 1
        else:
            self.made.append(name)

    def _remember(self, name: str, key: str, request, done) -> None:
        answer = self.call(name, request, key)
        self.expect(self.was_replayed, f"{name} with the same key was made again")
        self.keys = self.keys[-KEYS_MAX:] + [(name, key, request, answer)]

    def expect(self, condition: bool, problem: str) -> None:
        if not condition:
            self.problems.append(f"{self.user.address[:8]}: {problem}")

    def note(self, name: str, was_made: bool) -> None:
        if was_made:
            self.made.append(name)
        else:
            self.unmade += 1

    # One random step

    def step(self) -> None:
        steps = {
            self.create: 5 if len(self.tasks) < TASKS_MAX else 0, self.delete: 2 if len(self.tasks) < TASKS_MAX else 5,
            self.switch: 5, self.cancel: 1, self.trigger: 8, self.make_secret: 3, self.change_secret: 3,
            self.delete_secret: 2, self.make_wallet: 1, self.hide: 1, self.repeat: 2, self.read: 3}
        self.random.choices(list(steps), list(steps.values()))[0]()

    def some_task(self, *statuses: int) -> tuple[str, TaskModel] | None:
        fitting = [(i, t) for i, t in self.tasks.items() if not statuses or t.status in statuses]
        return self.random.choice(fitting) if fitting else None

    def create(self) -> None:
        self._number += 1
        model = TaskModel(
            f"task {self._number}", self.random.choice(list(self.addresses.values())), self.random.choice([0, 0, 0, 2]))
        request = tasks.task(model.wallet, name=model.name, limit=model.limit)

        def done(answer) -> None:
            self.tasks[answer.id] = model

        def settle() -> None:
            new = [item for item in self.listed() if item.name == model.name]
            self.note("CreateTask", bool(new))
            self.expect(len(new) <= 1, f"{len(new)} tasks are '{model.name}'")
            for item in new:
                self.tasks[item.id] = model

        self.change("CreateTask", request, done, settle, with_key=self.random.random() < 0.5)

    def switch(self) -> None:
        if (found := self.some_task(avs.Enabled, avs.Disabled)) is None:
            return
        task_id, model = found
        wished = model.status == avs.Disabled
        target = avs.Enabled if wished else avs.Disabled
        self._move("SetTaskEnabled", avs.SetTaskEnabledReq(id=task_id, enabled=wished), task_id, model, target)

    def cancel(self) -> None:
        if (found := self.some_task(avs.Enabled, avs.Disabled)) is not None:
            self._move("CancelTask", avs.IdReq(id=found[0]), *found, avs.Canceled)

    def _move(self, name: str, request, task_id: str, model: TaskModel, target: int) -> None:
        def done(answer) -> None:
            self.expect(answer.success, f"{name} of {task_id} was answered {answer.status}")
            model.status = target

        def settle() -> None:
            shown = self.user.task(task_id).status
            self.note(name, shown == target)
            self.expect(shown in (model.status, target), f"{task_id} is {shown} after {name}")
            model.status = shown

        self.change(name, request, done, settle, with_key=self.random.random() < 0.3)

    def delete(self) -> None:
        if (found := self.some_task()) is None:
            return
        task_id = found[0]

        def done(answer) -> None:
            self.expect(answer.success and answer.status == "deleted", f"{task_id} was not deleted: {answer.status}")
            self._forget(task_id)

        def settle() -> None:
            is_there = any(item.id == task_id for item in self.listed())
            self.note("DeleteTask", not is_there)
            if not is_there:
                self._forget(task_id)

        self.change("DeleteTask", avs.IdReq(id=task_id), done, settle)

    def _forget(self, task_id: str) -> None:
        self.tasks.pop(task_id, None)
        self.gone = self.gone[-20:] + [task_id]

    def trigger(self) -> None:
        if (found := self.some_task()) is None:
            return
        task_id, model = found
        blocking = self.random.random() < 0.6
        request = avs.TriggerTaskReq(task_id=task_id, trigger_type=avs.TRIGGER_TYPE_MANUAL, is_blocking=blocking)
        if model.status != avs.Enabled:
            return self._refused(request, task_id)

        def done(answer) -> None:
            self._ran(task_id, model, answer.execution_id)

        def settle() -> None:
            # Runs of one task follow one another: after this one, an earlier one has its record.
            further = self.call("TriggerTask", avs.TriggerTaskReq(
                task_id=task_id, trigger_type=avs.TRIGGER_TYPE_MANUAL, is_blocking=True)).execution_id
            new = {r.id for r in self.user.all_executions(task_id)} - model.executions.keys()
            self.expect(further in new and len(new) <= 2, f"{task_id}: one call made the executions {new - {further}}")
            self.note("TriggerTask", len(new) == 2)
            for execution in new:
                self._ran(task_id, model, execution)

        # Only with a key can be told which runs of a task with a limit were accepted.
        self.change("TriggerTask", request, done, settle, with_key=bool(model.limit) or self.random.random() < 0.3)

    def _refused(self, request, task_id: str) -> None:
        try:
            self.call("TriggerTask", request)
        except grpc.RpcError as error:
            self.expect(error.code() == grpc.StatusCode.FAILED_PRECONDITION, f"{task_id}: refused with {error.code()}")
        else:
            self.expect(False, f"{task_id} ran although its status forbids it")

    def _ran(self, task_id: str, model: TaskModel, execution: str) -> None:
        """An accepted run: it must end, and from then on it stays as it is."""
        record = until(lambda: self._ended(task_id, execution), 60, f"the end of {execution}")
        self.expect(record.status == avs.EXECUTION_STATUS_SUCCESS, f"{execution} ended with {record.error}")
        model.executions[execution] = record.SerializeToString(deterministic=True)
        if model.is_spent:
            model.status = avs.Completed

    def _ended(self, task_id: str, execution: str):
        request = avs.ExecutionReq(task_id=task_id, execution_id=execution)
        try:
            record = self.call("GetExecution", request)
        except AnswerLost:
            # It is accepted for ever; only its record was not seen yet.
            model = self.tasks[task_id]
            model.executions[execution] = None
            model.status = avs.Completed if model.is_spent else model.status
            self.unknown = Unknown("GetExecution", lambda: self._ran(task_id, model, execution))
            raise
        return record if record.status in FINAL else None

    def make_secret(self) -> None:
        free = [f"s{n}" for n in range(SECRETS_MAX) if f"s{n}" not in self.secrets]
        if not free:
            return
        name = self.random.choice(free)

        def done(answer) -> None:
            self.expect(answer.status == "created", f"secret {name} was {answer.status}")
            self.secrets[name] = (answer.created_at, answer.created_at)

        request = avs.CreateOrUpdateSecretReq(name=name, secret=str(self.random.random()))
        self.change("CreateSecret", request, done, lambda: self._look_at_secret("CreateSecret", name),
                    with_key=self.random.random() < 0.3)

    def change_secret(self) -> None:
        if not self.secrets:
            return
        name = self.random.choice(list(self.secrets))

        def done(answer) -> None:
            self.secrets[name] = (self.secrets[name][0], answer.updated_at)

        request = avs.CreateOrUpdateSecretReq(name=name, secret=str(self.random.random()))
        self.change("UpdateSecret", request, done, lambda: self._look_at_secret("UpdateSecret", name))

    def delete_secret(self) -> None:
        if not self.secrets:
            return
        name = self.random.choice(list(self.secrets))

        def done(answer) -> None:
            self.expect(answer.status == "deleted", f"secret {name} was {answer.status}")
            del self.secrets[name]

        self.change("DeleteSecret", avs.DeleteSecretReq(name=name), done,
                    lambda: self._look_at_secret("DeleteSecret", name), with_key=self.random.random() < 0.3)

    def _look_at_secret(self, what: str, name: str) -> None:
        found = self.listed_secrets().get(name)
        self.note(what, found != self.secrets.get(name))
        if what == "UpdateSecret":
            self.expect(found is not None and found >= self.secrets[name], f"secret {name} is {found} after an update")
        if found is None:
            self.secrets.pop(name, None)
        else:
            self.secrets[name] = found

    def make_wallet(self) -> None:
        salt = str(len(self.addresses))
        if len(self.addresses) >= WALLETS_MAX:
            return

        def done(answer) -> None:
            self.addresses[salt], self.hidden[salt] = answer.address, False

        def settle() -> None:
            found = [wallet for wallet in self.wallets() if wallet.salt == salt]
            self.note("GetWallet", bool(found))
            for wallet in found:
                done(wallet)

        self.change("GetWallet", avs.GetWalletReq(salt=salt), done, settle)

    def hide(self) -> None:
        salt = self.random.choice(list(self.addresses))
        wished = not self.hidden[salt]

        def done(answer) -> None:
            self.hidden[salt] = wished

        def settle() -> None:
            shown = next(wallet.is_hidden for wallet in self.wallets() if wallet.salt == salt)
            self.note("SetWallet", shown == wished)
            self.hidden[salt] = shown

        self.change("SetWallet", avs.SetWalletReq(salt=salt, is_hidden=wished), done, settle,
                    with_key=self.random.random() < 0.3)

    def repeat(self) -> None:
        """A call with a key that was answered is answered the same, and changes nothing."""
        if not self.keys:
            return
        name, key, request, answer = self.random.choice(self.keys)
        again = self.call(name, request, key)
        if name == "TriggerTask" and request.task_id not in self.tasks:
            again, answer = again.execution_id, answer.execution_id  # its record went with the task
        self.expect(again == answer and self.was_replayed, f"{name} with its key is answered {again}, before {answer}")
        self.replayed += 1

    def read(self) -> None:
        """Reads during the run agree with what was acknowledged."""
        if (found := self.some_task()) is not None:
            self._check_task(self.call("GetTask", avs.IdReq(id=found[0])), found[1])

    # Lists

    def listed(self) -> list:
        return self.call("ListTasks", avs.ListTasksReq(
            smart_wallet_address=list(self.addresses.values()), limit=1000, include_nodes=True)).items

    def listed_secrets(self) -> dict[str, tuple[int, int]]:
        items = self.call("ListSecrets", avs.ListSecretsReq(limit=1000, include_timestamps=True)).items
        return {item.name: (item.created_at, item.updated_at) for item in items}

    def wallets(self) -> list:
        return self.call("ListWallets", avs.ListWalletReq()).items

    # What has to hold after a start

    def verify(self) -> None:
        """Settles what is unknown, then compares everything."""
        self.user.stub.GetWorkflowCount(
            avs.GetWorkflowCountReq(), metadata=[("authkey", self.user.token)], timeout=CALL_SECONDS, wait_for_ready=True)
        if (unknown := self.unknown) is not None:
            self.unknown = None
            unknown.settle()
        items = {item.id: item for item in self.listed()}
        self.expect(items.keys() == self.tasks.keys(),
                    f"tasks lost {self.tasks.keys() - items.keys()}, too many {items.keys() - self.tasks.keys()}")
        for task_id in items.keys() & self.tasks.keys():
            self._check_task(items[task_id], self.tasks[task_id])
        self._check_executions(items.keys() & self.tasks.keys())
        secrets = self.listed_secrets()
        self.expect(secrets == self.secrets, f"secrets are {secrets}, acknowledged were {self.secrets}")
        wallets = {wallet.salt: wallet.is_hidden for wallet in self.wallets()}
        self.expect(wallets == self.hidden, f"wallets are {wallets}, acknowledged were {self.hidden}")
        self._check_counts()
        for task_id in self.gone:
            self._check_gone(task_id)

    def _check_task(self, item, model: TaskModel) -> None:
        shown = (item.name, item.smart_wallet_address, item.max_execution, item.status, len(item.nodes))
        expected = (model.name, model.wallet, model.limit, model.status, 1)
        self.expect(shown == expected, f"task {item.id} is {shown}, acknowledged was {expected}")
        count = len(model.executions)
        self.expect(item.execution_count == count, f"task {item.id} counts {item.execution_count} runs, had {count}")

    def _check_executions(self, listed: set[str]) -> None:
        """Of the tasks that are listed; those of a task that is lost are lost with it."""
        found = {r.id: r for r in self.user.all_executions(*listed)} if listed else {}
        expected = {i: record for model in self.tasks.values() for i, record in model.executions.items()}
        self.expect(found.keys() == expected.keys(),
                    f"executions lost {expected.keys() - found.keys()}, too many {found.keys() - expected.keys()}")
        for identifier in found.keys() & expected.keys():
            self.expect(found[identifier].SerializeToString(deterministic=True) == expected[identifier],
                        f"execution {identifier} has changed")
        for model in self.tasks.values():
            indexes = sorted(found[i].index for i in model.executions if i in found)
            self.expect(len(set(indexes)) == len(indexes), f"indexes {indexes} repeat")

    def _check_counts(self) -> None:
        total = self.call("GetWorkflowCount", avs.GetWorkflowCountReq()).total
        self.expect(total == len(self.tasks), f"{total} tasks are counted, there are {len(self.tasks)}")
        runs = self.call("GetExecutionCount", avs.GetExecutionCountReq()).total
        expected = sum(len(model.executions) for model in self.tasks.values())
        self.expect(runs == expected, f"{runs} executions are counted, there are {expected}")
        for salt, address in self.addresses.items():
            wallet = self.call("GetWallet", avs.GetWalletReq(salt=salt))
            shown = (wallet.total_task_count, wallet.enabled_task_count, wallet.completed_task_count,
                     wallet.disabled_task_count, wallet.canceled_task_count)
            mine = [model.status for model in self.tasks.values() if model.wallet == address]
            wanted = (len(mine), *(mine.count(s) for s in (avs.Enabled, avs.Completed, avs.Disabled, avs.Canceled)))
            self.expect(shown == wanted, f"wallet {salt} counts {shown} tasks, there are {wanted}")

    def _check_gone(self, task_id: str) -> None:
        try:
            self.call("GetTask", avs.IdReq(id=task_id))
        except grpc.RpcError as error:
            self.expect(error.code() == grpc.StatusCode.NOT_FOUND, f"deleted task {task_id}: {error.code()}")
        else:
            self.expect(False, f"deleted task {task_id} is back")
