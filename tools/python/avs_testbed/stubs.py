"""Python stubs of `proto/`."""

import importlib

from .protoc import ROOT, make_importable

make_importable(ROOT / "proto", "avs.proto", "node.proto", "admin.proto")
avs = importlib.import_module("avs_pb2")
avs_grpc = importlib.import_module("avs_pb2_grpc")
node = importlib.import_module("node_pb2")
node_grpc = importlib.import_module("node_pb2_grpc")
admin = importlib.import_module("admin_pb2")
admin_grpc = importlib.import_module("admin_pb2_grpc")
