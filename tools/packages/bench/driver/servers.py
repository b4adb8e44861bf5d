"""Building and running the servers that are compared."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent.parent.parent
PEERS = BENCH / "peers"
BUILD = BENCH / ".build"
TICKS = os.sysconf("SC_CLK_TCK")

DEBIAN = {
    "c": ["libnghttp2-dev"],
    "grpc-c++": ["libgrpc++-dev", "protobuf-compiler-grpc", "libprotobuf-dev"],
    "grpc-go": [
        "golang-go", "golang-google-grpc-dev", "golang-github-golang-protobuf-1-5-dev", "golang-google-protobuf-dev",
        "golang-google-genproto-dev"],
}


def run(*command: object, **options) -> None:
    """Runs a build step; what it prints goes to stderr."""
    subprocess.run([str(part) for part in command], check=True, stdout=sys.stderr, **options)


def swift_build(package: Path, program: str) -> Path:
    """Builds a Swift package, out of reviewed packages only (SUP-1), and returns its program."""
    run("swift", "build", "-c", "release", "--package-path", package)
    run(ROOT / "tools" / "pins", "--package", package)
    return package / ".build" / "release" / program


def is_older(target: Path, *sources: Path) -> bool:
    return not target.exists() or any(source.stat().st_mtime > target.stat().st_mtime for source in sources)


# --- Building ----------------------------------------------------------------------------------------------------------

def build_ours() -> list[str]:
    return [str(swift_build(BENCH / "avs-bench-server", "bench-server")), "--port", "0"]


def build_c() -> list[str]:
    target, source = BUILD / "c-server", PEERS / "c" / "server.c"
    if is_older(target, source):
        run("cc", "-O2", "-Wall", "-Wextra", "-o", target, source, "-lnghttp2")
    return [str(target), "0"]


def build_cpp() -> list[str]:
    target, source, proto = BUILD / "cpp-server", PEERS / "cpp" / "server.cc", PEERS / "echo.proto"
    if is_older(target, source, proto):
        out = BUILD / "cpp"
        out.mkdir(exist_ok=True)
        plugin = shutil.which("grpc_cpp_plugin")
        run("protoc", "-I", PEERS, f"--cpp_out={out}", f"--grpc_out={out}", f"--plugin=protoc-gen-grpc={plugin}", proto)
        flags = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "grpc++", "protobuf"], check=True, capture_output=True, text=True)
        run("g++", "-O2", "-std=c++17", f"-I{out}", source, out / "echo.pb.cc", out / "echo.grpc.pb.cc", "-o", target,
            *flags.stdout.split())
    return [str(target), "0"]


def build_go() -> list[str]:
    """Debian's grpc-go has no modules: sources in a GOPATH, the protoc plugins from there too."""
    target, source, proto = BUILD / "go-server", PEERS / "go" / "main.go", PEERS / "echo.proto"
    if is_older(target, source, proto):
        path = BUILD / "gopath"
        stubs, server = path / "src" / "bench" / "echopb", path / "src" / "bench" / "server"
        for folder in (stubs, server):
            folder.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"GO111MODULE": "off", "GOPATH": f"{path}:/usr/share/gocode"}
        plugins = {
            "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go",
            "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc"}
        for name, package in plugins.items():
            run("/usr/bin/go", "build", "-o", BUILD / name, package, env=environment)
        run("protoc", "-I", PEERS, *(f"--plugin={name}={BUILD / name}" for name in plugins),
            f"--go_out=paths=source_relative:{stubs}", f"--go-grpc_out=paths=source_relative:{stubs}", proto)
        shutil.copy(source, server)
        run("/usr/bin/go", "build", "-o", target, "bench/server", env=environment)
    return [str(target), "0"]


def build_python() -> list[str]:
    out, python, proto = BUILD / "python", ROOT / ".venv" / "bin" / "python", PEERS / "echo.proto"
    if is_older(out / "echo_pb2_grpc.py", proto):
        out.mkdir(exist_ok=True)
        run(python, "-m", "grpc_tools.protoc", f"-I{PEERS}", f"--python_out={out}", f"--grpc_python_out={out}", proto)
    return ["env", f"PYTHONPATH={out}", str(python), str(PEERS / "python" / "server.py"), "0"]


def build_swift() -> list[str]:
    """Its packages are resolved by SwiftPM at the versions that its Package.swift names: minutes, the first time."""
    return [str(swift_build(PEERS / "swift", "swift-server")), "0"]


BUILDERS = {
    "ours": build_ours, "c": build_c, "grpc-go": build_go, "grpc-c++": build_cpp, "grpc-swift-2": build_swift,
    "grpcio": build_python,
}


def build(names: list[str]) -> dict[str, list[str]]:
    """Returns the command of each server that could be built; a peer that could not is named and left out."""
    BUILD.mkdir(exist_ok=True)
    commands = {}
    for name in names:
        try:
            commands[name] = BUILDERS[name]()
        except (OSError, subprocess.CalledProcessError) as error:
            if name in ("ours", "c"):
                raise
            wanted = f" (apt-get install {' '.join(DEBIAN[name])})" if name in DEBIAN else ""
            print(f"bench: {name} cannot be built here and is left out: {error}{wanted}", file=sys.stderr)
    return commands


def certificate() -> tuple[Path, Path]:
    chain, key = BUILD / "certificate.pem", BUILD / "key.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", chain,
        stderr=subprocess.DEVNULL)
    return chain, key


# --- Running -----------------------------------------------------------------------------------------------------------

@dataclass
class Server:
    """A running server, held to one core unless `core` is None."""

    name: str
    command: list[str]
    core: int | None = 0
    scheme: str = "http"
    port: int = 0
    process: subprocess.Popen = field(init=False)

    def __enter__(self) -> "Server":
        pinned = [] if self.core is None else ["taskset", "-c", str(self.core)]
        self.process = subprocess.Popen([*pinned, *self.command], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def url(self, method: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/bench.Echo/{method}"

    @property
    def cpu_seconds(self) -> float:
        """User and system time of all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0
