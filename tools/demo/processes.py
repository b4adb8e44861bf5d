"""The programs of the demonstration: each in a process of its own, its log under .data/."""

import http.server
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from eth_account import Account

START_SECONDS = 60
STOP_SECONDS = 50


class ProcessDied(Exception):
    """A program ended that should run."""


class System:
    """The chain, the aggregator and the operator, and a small HTTP server that tasks call."""

    def __init__(self, root: pathlib.Path, binaries: pathlib.Path):
        self.root, self.binaries = root, binaries
        self.data = root / ".data"
        self.processes: list[tuple[str, subprocess.Popen]] = []
        self.rpc_port, self.http_port, self.chain_port = free_ports(3)

    def start(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.echo = EchoServer()
        self.operator_key = Account.from_key(self.stored_key("operator.key"))
        self.start_chain()
        self.start_aggregator()
        self.start_operator()

    def start_chain(self) -> None:
        program = str(self.root / "tools/devchain/devchain")
        chain = self.spawn("chain", [program, "--port", str(self.chain_port), "--block-time", "1"], stdout=subprocess.PIPE)
        line = chain.stdout.readline()
        if not line:
            raise ProcessDied(f"the development chain did not start; see {self.data}/chain.log")
        self.chain = json.loads(line)
        say(f"chain     {self.chain['http']}  id {self.chain['chainId']}")

    def start_aggregator(self) -> None:
        config = self.data / "aggregator.yaml"
        config.write_text(
            f"""environment: development
db_path: {self.data}/db
keys_dir: {self.data}/keys
rpc_bind_address: 127.0.0.1:{self.rpc_port}
http_bind_address: 127.0.0.1:{self.http_port}
sync: {{initial_delay_ms: 100}}
limits: {{profile: test}}
approved_operators: ["{self.operator_key.address}"]
fetch:
  allow: ["127.0.0.1:{self.echo.port}"]
chains:
  - id: {self.chain['chainId']}
    default: true
    rpc_urls: ["{self.chain['http']}"]
    ws_url: "{self.chain['ws']}"
    factory_address: "{self.chain['contracts']['factory']}"
    entry_point: {{version: v0.6, address: "{self.chain['contracts']['entryPoint']}"}}
"""
        )
        command = [str(self.binaries / "avs-aggregator"), "--config", str(config)]
        if not (self.data / "db").exists():
            say("first start: the aggregator makes its database (--init)")
            command.append("--init")
        if os.geteuid() == 0:
            say("running as root: the aggregator is told to allow it (--allow-root)")
            command.append("--allow-root")
        self.spawn("aggregator", command)
        self.wait(lambda: get(f"http://127.0.0.1:{self.http_port}/up") == b"up", "the aggregator")
        say(f"aggregator 127.0.0.1:{self.rpc_port}")

    def start_operator(self) -> None:
        shutil.rmtree(self.data / "operator", ignore_errors=True)  # the chain is new: so are its cursors
        config = self.data / "operator.yaml"
        config.write_text(
            f"""environment: development
operator_address: "{self.operator_key.address}"
db_path: {self.data}/operator
aggregator_server_ip_port_address: 127.0.0.1:{self.rpc_port}
enabled_features: {{event_trigger: true}}
chains:
  - id: {self.chain['chainId']}
    rpc_urls: ["{self.chain['http']}"]
    ws_url: "{self.chain['ws']}"
"""
        )
        environment = os.environ | {"OPERATOR_ECDSA_PRIVATE_KEY": self.operator_key.key.hex()}
        command = [str(self.binaries / "avs-operator"), "--config", str(config)]
        self.spawn("operator", command, env=environment)
        operators = f"http://127.0.0.1:{self.http_port}/operator"
        self.wait(lambda: self.operator_key.address in get(operators).decode(), "the operator")
        say(f"operator  {self.operator_key.address}")

    def stored_key(self, name: str) -> str:
        """A private key that stays the same from start to start."""
        path = self.data / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32))
        return path.read_text().strip()

    def spawn(self, name: str, command: list[str], **options) -> subprocess.Popen:
        log = open(self.data / f"{name}.log", "wb")
        # In a session of its own, so that Ctrl-C reaches this program alone and the end has an order.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True, **({"stdout": log} | options))
        self.processes.append((name, process))
        return process

    def wait(self, is_there, what: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_there():
            self.check()
            if time.monotonic() > deadline:
                raise ProcessDied(f"{what} was not ready within {START_SECONDS} s; see {self.data}/*.log")
            time.sleep(0.1)

    def check(self) -> None:
        """Raises when a program has ended."""
        for name, process in self.processes:
            if (code := process.poll()) is not None:
                tail = (self.data / f"{name}.log").read_text(errors="replace").splitlines()[-8:]
                raise ProcessDied("\n".join([f"{name} ended with exit code {code}; its last lines:"] + tail))

    def stop(self) -> None:
        """Ends everything in order: who reports before who records before what they look at."""
        for name, process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"{name} did not stop within {STOP_SECONDS} s and is killed")
                process.kill()
                process.wait()


class EchoServer:
    """What the demonstration's REST nodes call: answers with what it was sent."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                answer = json.dumps({"ok": True, "received": body.decode(errors="replace")}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, below the range from which outgoing connections take theirs."""
    found = []
    for port in range(20_000, 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                found.append(port)
            except OSError:
                continue
        if len(found) == count:
            return found
    raise ProcessDied("no free port between 20000 and 32000")


def get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.read()
    except OSError:
        return b""


def say(text: str) -> None:
    print(f"run: {text}", file=sys.stderr, flush=True)
