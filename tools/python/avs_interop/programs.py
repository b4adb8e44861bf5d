"""The programs that are run against each other, each a process on loopback that ends with its `with` block."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from avs_testbed.protoc import ROOT

PACKAGE = ROOT / "tools" / "packages" / "avs-interop"
PYTHON_PATH = str(ROOT / "tools" / "python")
BUILD_SECONDS = 3_600
STOP_SECONDS = 60


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def build(configuration: str) -> Path:
    """Builds avs-interop and returns the program; what is built already costs seconds."""
    say(f"building avs-interop ({configuration}); the first time takes some minutes")
    command = ["swift", "build", "--package-path", str(PACKAGE), "--configuration", configuration,
               "--product", "avs-interop"]
    if configuration == "release":
        command += ["-Xswiftc", "-enable-testing"]  # the generated messages use what is internal to AVSProto
    built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_SECONDS)
    if built.returncode != 0:
        raise SystemExit(f"{built.stdout}\nthe build failed")
    subprocess.run([ROOT / "tools" / "pins", "--package", PACKAGE], check=True)  # SUP-1
    return PACKAGE / ".build" / configuration / "avs-interop"


@dataclass
class Credentials:
    """An authority of this run and a certificate for loopback that it signed, as files."""

    folder: tempfile.TemporaryDirectory = field(default_factory=lambda: tempfile.TemporaryDirectory(prefix="avs-tls-"))

    def __post_init__(self):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._openssl("req", "-x509", *key, "-keyout", "authority.key", "-out", "authority.pem", "-days", "2",
                      "-subj", "/CN=Interop Authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost",
                      "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self._openssl("x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
                      "-set_serial", "1", "-days", "2", "-copy_extensions", "copy", "-out", "server.pem")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder.name, check=True, capture_output=True, timeout=60)

    def path(self, name: str) -> str:
        return str(Path(self.folder.name) / name)

    @property
    def of_server(self) -> list[str]:
        return ["--certificate", self.path("server.pem"), "--key", self.path("server.key")]

    @property
    def of_client(self) -> list[str]:
        return ["--authority", self.path("authority.pem")]


class Program:
    """A process whose standard output is read line by line; its errors go to ours."""

    def __init__(self, *command: str, stdin: int = subprocess.DEVNULL):
        environment = os.environ | {"PYTHONPATH": PYTHON_PATH}
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.PIPE, text=True, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def read_line(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[0]} ended with status {self.process.wait(STOP_SECONDS)}")
        return line.rstrip("\n")

    def write_line(self, text: str) -> None:
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Sends SIGTERM and returns the exit status; a process that does not end is killed."""
        self.ask_to_stop()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Server(Program):
    """A server that has said where it listens."""

    def __init__(self, *command: str):
        super().__init__(*command)
        word, _, port = self.read_line().partition(" ")
        if word != "listening":
            raise RuntimeError(f"{command[0]} said '{word}' and not where it listens")
        self.port = int(port)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"


class Setting:
    """Our program, and whether it is spoken to over TLS."""

    def __init__(self, program: Path, tls: bool):
        self.program = str(program)
        self.credentials = Credentials() if tls else None
        self.client_tls = self.credentials.of_client if self.credentials else []
        self.scheme = "https" if tls else "http"

    def server(self, *options: str) -> Server:
        tls = self.credentials.of_server if self.credentials else []
        return Server(self.program, "serve", *options, *tls)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has, below those that the kernel gives to clients."""
    found: list[int] = []
    for port in range(20_000 + os.getpid() * 7 % 10_000, 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"fewer than {count} ports are free")
