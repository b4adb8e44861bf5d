"""The programs of the bench, each a process that ends with the bench."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from web3 import Web3

from .history import History
from .stubs import ROOT

START_SECONDS = 60
STOP_SECONDS = 60
CHANNEL_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.use_local_subchannel_pool", 1),
)


def program() -> Path:
    """The aggregator that is tested: `AVS_AGGREGATOR`, else the one of the debug build."""
    path = Path(os.environ.get("AVS_AGGREGATOR", ROOT / ".build" / "debug" / "avs-aggregator"))
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: build it with `swift build --product avs-aggregator`")
    return path


def inspector() -> Path | None:
    """avsctl, beside the aggregator or of the debug build; none where it is not built."""
    places = [program().parent, ROOT / ".build" / "debug"]
    return next((place / "avsctl" for place in places if (place / "avsctl").is_file()), None)


def free_port() -> int:
    """A port on loopback that nobody has, below those that the kernel gives to clients."""
    for _ in range(200):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("200 ports in a row were taken")


class Chain:
    """The development chain."""

    def __init__(self, *flags: str):
        command = [str(ROOT / "tools" / "devchain" / "devchain"), "--port", "0", "--bundler-port", "0",
                   "--until-stdin-closes", *flags]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the development chain ended at once with status {self.process.wait(START_SECONDS)}")
        self.facts = json.loads(line)
        self.web3 = Web3(Web3.HTTPProvider(self.facts["http"]))
        self._bundler = Web3.HTTPProvider(self.facts["bundler"])

    @property
    def id(self) -> int:
        return self.facts["chainId"]

    def address(self, contract: str) -> str:
        return self.facts["contracts"][contract]

    def rpc(self, method: str, *parameters):
        """Calls a method and returns its result."""
        answer = self.web3.provider.make_request(method, list(parameters))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def bundler(self, method: str, *parameters):
        """Calls a method of the bundler and returns its result."""
        answer = self._bundler.make_request(method, list(parameters))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def account(self, name: str) -> dict:
        """An account that the chain tells of, with its worthless key."""
        return next(account for account in self.facts["accounts"] if account["name"] == name)

    def abi(self, contract: str) -> list:
        return self.rpc("dev_abi", contract)

    def contract(self, name: str):
        return self.web3.eth.contract(address=self.address(name), abi=self.abi(name))

    def stop(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@dataclass
class Aggregator:
    """One aggregator with a folder of its own. It can be stopped or killed and started again on the same data."""

    folder: Path
    chain: Chain
    operators: list[str]
    settings: dict = field(default_factory=dict)
    process: subprocess.Popen | None = None
    starts: int = 0
    history: History | None = None
    """Where the calls of clients are written down."""

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.http_port, self.admin_port = free_port(), free_port(), free_port()
        self.configure()

    def configure(self) -> None:
        """Writes the configuration file."""
        (self.folder / "aggregator.yaml").write_text(json.dumps(self.configuration(), indent=2), encoding="utf-8")

    def configuration(self) -> dict:
        """What differs from the defaults. JSON is YAML."""
        contracts = self.chain.facts["contracts"]
        configuration = {
            "environment": "development",
            "db_path": str(self.folder / "db"),
            "keys_dir": str(self.folder / "keys"),
            "backup_dir": str(self.folder / "backups"),
            "rpc_bind_address": self.target,
            "admin_bind_address": f"127.0.0.1:{self.admin_port}",
            "http_bind_address": f"127.0.0.1:{self.http_port}",
            "chains": [{
                "id": self.chain.id, "default": True, "rpc_urls": [self.chain.facts["http"]],
                "ws_url": self.chain.facts["ws"], "factory_address": contracts["factory"],
                "entry_point": {"address": contracts["entryPoint"]}, "paymaster_address": contracts["paymaster"],
                "bundler_url": self.chain.facts["bundler"],
            }],
            "controller": {"private_key": self.chain.account("controller")["privateKey"]},
            "approved_operators": self.operators,
            "operator_auth": "enforce",
            "sync": {"initial_delay_ms": 50},
            "limits": {"profile": "test"},
            "store": {"block_cache": "16MiB", "write_buffer": "8MiB"},
            "disk": {"soft": "0%, 0", "hard": "0%, 0", "ballast": 0},
            "log": {"level": "info", "format": "json"},
        }
        return configuration | self.settings

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "aggregator.log"

    @property
    def jwt_secret(self) -> bytes:
        """The bytes that sign tokens: the file without the line feed at its end."""
        content = (self.folder / "keys" / "jwt_secret").read_bytes()
        return content[:-1] if content.endswith(b"\n") else content

    # Life

    def command(self, *flags: str) -> list[str]:
        """How it is started, also by root."""
        rights = ["--allow-root"] if os.geteuid() == 0 else []
        return [str(program()), "--config", str(self.folder / "aggregator.yaml"), *rights, *flags]

    def launch(self) -> None:
        """Starts the process and does not wait for it to serve."""
        command = self.command(*(["--init"] if self.starts == 0 else []))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.starts += 1
        if self.history is not None:
            self.history.note("started", number=self.starts)

    def start(self) -> None:
        self.launch()
        try:
            self.wait_until_serving()
        except Exception:
            self.kill()
            raise

    def wait_until_serving(self, seconds: float = START_SECONDS) -> None:
        """Asks the health service until it says SERVING; a process that ended is an error at once."""
        deadline = time.monotonic() + seconds
        with self.channel() as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while True:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the aggregator ended with {self.process.returncode}:\n{self.last_log()}")
                try:
                    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=True)
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                except grpc.RpcError as error:
                    if error.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE):
                        raise
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the aggregator does not serve after {seconds} s:\n{self.last_log()}")

    def stop(self) -> int:
        """Sends SIGTERM and returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """Ends the process as a power cut would, as far as the process is concerned."""
        self.process.kill()
        self.process.wait()
        if self.history is not None:
            self.history.note("killed")

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def last_log(self, lines: int = 30) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def findings(self) -> list[str]:
        """What `avsctl store check` finds in the files of the stopped aggregator; nothing where there is no avsctl."""
        if (tool := inspector()) is None:
            return []
        answer = subprocess.run(
            [str(tool), "store", "check", "--db", str(self.folder / "db")], capture_output=True, text=True,
            timeout=STOP_SECONDS)
        if answer.returncode == 0:
            return []
        return [f"avsctl store check: {line}" for line in (answer.stdout + answer.stderr).splitlines()]

    def logged_errors(self) -> list[str]:
        """Lines of the log that say something went wrong on our side: no caller's mistake makes one."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return [line for line in text.splitlines() if '"level":"error"' in line or '"level":"critical"' in line]

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    # Clients

    def channel(self, credentials: grpc.ChannelCredentials | None = None, *options) -> grpc.Channel:
        options = (*CHANNEL_OPTIONS, *options)
        if credentials is None:
            channel = grpc.insecure_channel(self.target, options=options)
        else:
            channel = grpc.secure_channel(f"localhost:{self.port}", credentials, options=options)
        return channel if self.history is None else grpc.intercept_channel(channel, self.history)
