"""Five tasks, one for each kind of trigger, and a watch on what becomes of them."""

import json
import time
import urllib.request

from eth_utils import keccak
from google.protobuf import json_format, struct_pb2

COUNT_ABI = {"type": "function", "name": "count", "inputs": [], "stateMutability": "view",
             "outputs": [{"name": "", "type": "uint256"}]}
COUNTED_ABI = {"type": "event", "name": "Counted", "anonymous": False, "inputs": [
    {"name": "caller", "type": "address", "indexed": True},
    {"name": "count", "type": "uint256", "indexed": False},
    {"name": "change", "type": "int256", "indexed": False}]}
KINDS = ("manual", "fixed time", "cron", "block", "event")


class Demonstration:
    def __init__(self, client, system):
        self.client, self.system, self.pb = client, system, client.pb
        self.counter = system.chain["contracts"]["counter"]
        self.tasks: dict[str, str] = {}
        self.first: dict[str, object] = {}
        self.seen: set[str] = set()
        self.next_transaction = 0.0
        self.manual_at = 0

    # What is created

    def create(self) -> None:
        self.delete_old()
        soon = int(time.time() * 1000) + 4_000
        triggers = {
            "manual": {"name": "demo", "id": "trigger", "manual": {"config": {"data": {"hello": "world"}, "lang": "LANG_JSON"}}},
            "fixed time": {"name": "demo", "id": "trigger", "fixedTime": {"config": {"epochs": [str(soon)]}}},
            "cron": {"name": "demo", "id": "trigger", "cron": {"config": {"schedules": ["* * * * *"]}}},
            "block": {"name": "demo", "id": "trigger", "block": {"config": {"interval": "5"}}},
            "event": {"name": "demo", "id": "trigger", "event": {"config": {"cooldownSeconds": 10, "queries": [self.query()]}}},
        }
        for kind, trigger in triggers.items():
            request = json_format.ParseDict(self.request(kind, trigger), self.pb.CreateTaskReq())
            self.tasks[kind] = self.client.call("CreateTask", request).id
            print(f"{stamp()}  created    {kind:<11} task {self.tasks[kind]}", flush=True)
        self.trigger_manual()

    def request(self, kind: str, trigger: dict) -> dict:
        nodes, edges = (self.read_graph if kind in ("block", "event") else self.post_graph)()
        return {"trigger": trigger, "nodes": nodes, "edges": edges, "inputVariables": {
            "settings": {"name": f"demo: {kind}", "runner": self.client.wallet}}}

    def post_graph(self):
        """Calls a REST service, then branches on its answer."""
        url = f"http://127.0.0.1:{self.system.echo.port}/"
        return [
            {"id": "post", "name": "post", "type": "NODE_TYPE_REST_API", "restApi": {"config": {
                "url": url, "method": "POST", "headers": {"content-type": "application/json"},
                "body": '{"task": "{{settings.name}}"}'}}},
            {"id": "check", "name": "check", "type": "NODE_TYPE_BRANCH", "branch": {"config": {"conditions": [
                {"id": "ok", "type": "if", "expression": "{{post.data.ok}} === true"},
                {"id": "not", "type": "else", "expression": ""}]}}},
        ], [{"id": "e1", "source": "trigger", "target": "post"}, {"id": "e2", "source": "post", "target": "check"}]

    def read_graph(self):
        """Reads a contract."""
        return [{"id": "read", "name": "read", "type": "NODE_TYPE_CONTRACT_READ", "contractRead": {"config": {
            "contractAddress": self.counter, "contractAbi": [COUNT_ABI], "methodCalls": [{"methodName": "count"}]}}}
        ], [{"id": "e1", "source": "trigger", "target": "read"}]

    def query(self) -> dict:
        topic = "0x" + keccak(text="Counted(address,uint256,int256)").hex()
        return {"addresses": [self.counter], "topics": [topic], "contractAbi": [COUNTED_ABI]}

    def delete_old(self) -> None:
        """Tasks of an earlier start watch a chain that is gone."""
        request = self.pb.ListTasksReq(smart_wallet_address=[self.client.wallet], limit=1000)
        for task in self.client.call("ListTasks", request).items:
            self.client.call("DeleteTask", self.pb.IdReq(id=task.id))

    def trigger_manual(self) -> None:
        self.manual_at = int(time.time() * 1000)
        data = struct_pb2.Value(struct_value=struct_pb2.Struct(fields={"hello": struct_pb2.Value(string_value="world")}))
        self.client.call("TriggerTask", self.pb.TriggerTaskReq(
            task_id=self.tasks["manual"], trigger_type=self.pb.TRIGGER_TYPE_MANUAL,
            manual_trigger=self.pb.ManualTrigger.Output(data=data)))

    # What happens

    def step(self) -> None:
        """Moves the counter now and then, and prints the executions that are new."""
        if time.monotonic() > self.next_transaction:
            self.next_transaction = time.monotonic() + 3
            self.send_transaction()
        for kind, task in self.tasks.items():
            page = self.client.call("ListExecutions", self.pb.ListExecutionsReq(task_ids=[task], limit=20))
            for execution in reversed(page.items):
                if execution.id not in self.seen:
                    self.seen.add(execution.id)
                    self.note(kind, execution)

    def note(self, kind: str, execution) -> None:
        status = self.pb.ExecutionStatus.Name(execution.status).removeprefix("EXECUTION_STATUS_")
        if status == "SUCCESS":
            self.first.setdefault(kind, execution)
        what, _ = self.fired(kind, execution)
        text = f"{stamp()}  {status.lower():<10} {kind:<11} {what}  execution {execution.id}  {len(execution.steps)} steps"
        print(text + (f"  {execution.error}" if execution.error else ""), flush=True)

    def fired(self, kind: str, execution) -> tuple[str, int]:
        """What fired, for people, and when, in milliseconds since the epoch."""
        step = execution.steps[0] if execution.steps else None
        part = step and step.WhichOneof("output_data")
        data = json_format.MessageToDict(getattr(step, part).data) if part else {}
        data = data if isinstance(data, dict) else {}
        if kind == "manual":
            return "by its owner", self.manual_at
        if kind == "block":
            return f"block {int(data.get('blockNumber', 0))}", int(data.get("timestamp", 0)) * 1000
        if kind == "event":
            block = int(data.get("blockNumber", 0))
            hash_ = data.get("transactionHash", "?")
            return f"block {block} tx {hash_[:10]}… log {int(data.get('logIndex', 0))}", self.block_time(block)
        return str(data.get("timestampIso", "?")), int(data.get("timestamp", 0))

    def table(self) -> str:
        rows = [("task", "trigger", "fired by", "execution", "steps", "ms from trigger to record")]
        for kind, task in self.tasks.items():
            execution = self.first.get(kind)
            if execution is None:
                rows.append((task, kind, "-", "-", "-", "-"))
                continue
            what, when = self.fired(kind, execution)
            rows.append((task, kind, what, execution.id, str(len(execution.steps)), str(max(0, execution.end_at - when))))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)

    @property
    def missing(self) -> list[str]:
        return [kind for kind in KINDS if kind not in self.first]

    @property
    def is_complete(self) -> bool:
        return not self.missing

    # The chain

    def send_transaction(self) -> None:
        sender = self.system.chain["accounts"][0]["address"]
        call = "0x" + keccak(text="increment()")[:4].hex()
        self.ask("eth_sendTransaction", [{"from": sender, "to": self.counter, "data": call}])

    def block_time(self, number: int) -> int:
        block = self.ask("eth_getBlockByNumber", [hex(number), False])
        return int(block["timestamp"], 16) * 1000 if block else 0

    def ask(self, method: str, parameters: list):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self.system.chain["http"], body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer).get("result")


def stamp() -> str:
    return time.strftime("%H:%M:%S")
