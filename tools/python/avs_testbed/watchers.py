"""avs-operator as a process: the program that watches chains for an aggregator."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from eth_account.signers.local import LocalAccount

from .processes import STOP_SECONDS, Aggregator, Chain, program


def operator_program() -> Path:
    """`AVS_OPERATOR`, else the one beside the aggregator that is tested."""
    path = Path(os.environ.get("AVS_OPERATOR", program().parent / "avs-operator"))
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: build it with `swift build --product avs-operator`")
    return path


@dataclass
class Watcher:
    """One operator with a folder of its own. It can be stopped or killed and started again on the same data."""

    folder: Path
    chain: Chain
    aggregator: Aggregator
    account: LocalAccount
    settings: dict = field(default_factory=dict)
    key: LocalAccount | None = None
    """Signs in place of the operator's own key."""
    process: subprocess.Popen | None = None

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure()

    def configure(self, **settings) -> None:
        """Writes the configuration, with these settings more. JSON is YAML."""
        self.settings |= settings
        chain = {"id": self.chain.id, "rpc_urls": [self.chain.facts["http"]], "ws_url": self.chain.facts["ws"]}
        configuration = {
            "environment": "development",
            "operator_address": self.account.address,
            "db_path": str(self.folder / "db"),
            "aggregator_server_ip_port_address": self.aggregator.target,
            "chains": [chain],
            "enabled_features": {"event_trigger": True},
            "log": {"level": "info", "format": "json"},
        }
        self.path.write_text(json.dumps(configuration | self.settings, indent=2), encoding="utf-8")

    @property
    def path(self) -> Path:
        return self.folder / "operator.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "operator.log"

    def environment(self) -> dict:
        return os.environ | {"OPERATOR_ECDSA_PRIVATE_KEY": (self.key or self.account).key.hex().removeprefix("0x")}

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        """Runs one of the program's commands with this configuration and waits for its end."""
        return subprocess.run(
            [str(operator_program()), *arguments, "--config", str(self.path)], capture_output=True, text=True,
            env=self.environment(), timeout=STOP_SECONDS)

    def start(self) -> "Watcher":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(operator_program()), "--config", str(self.path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment())
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def wait(self) -> int:
        return self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Sends SIGTERM and returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def logged(self, *levels: str) -> list[str]:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return [line for line in text.splitlines() if any(f'"level":"{level}"' in line for level in levels)]

    def last_log(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
