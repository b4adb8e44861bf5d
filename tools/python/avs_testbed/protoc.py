"""Python stubs made from .proto files at import, into a folder that goes with the process."""

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[3]


def make_importable(source: Path, *files: str) -> None:
    """Compiles files of a folder; their modules can be imported by name from then on."""
    folder = tempfile.mkdtemp(prefix="avs-stubs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    status = protoc.main([
        "protoc", f"-I{source}", f"-I{well_known}", f"--python_out={folder}", f"--grpc_python_out={folder}", *files])
    if status != 0:
        raise RuntimeError(f"protoc ended with status {status}")
    sys.path.insert(0, folder)
