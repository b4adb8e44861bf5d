"""Python stubs of the test service."""

import importlib

from avs_testbed.protoc import ROOT, make_importable

make_importable(ROOT / "tools" / "packages" / "avs-interop" / "Proto", "testing.proto")
testing = importlib.import_module("testing_pb2")
testing_grpc = importlib.import_module("testing_pb2_grpc")
