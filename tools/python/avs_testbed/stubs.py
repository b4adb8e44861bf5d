"""Python stubs made from `proto/` at import, into a folder that goes with the process."""

import atexit
import importlib
import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[3]


def _generate() -> str:
    folder = tempfile.mkdtemp(prefix="avs-stubs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    status = protoc.main([
        "protoc", f"-I{ROOT / 'proto'}", f"-I{well_known}", f"--python_out={folder}", f"--grpc_python_out={folder}",
        "avs.proto", "node.proto",
    ])
    if status != 0:
        raise RuntimeError(f"protoc ended with status {status}")
    return folder


sys.path.insert(0, _generate())
avs = importlib.import_module("avs_pb2")
avs_grpc = importlib.import_module("avs_pb2_grpc")
node = importlib.import_module("node_pb2")
node_grpc = importlib.import_module("node_pb2_grpc")
