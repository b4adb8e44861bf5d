"""An independent client of the aggregator: grpcio, with stubs made from proto/ at the start."""

import importlib
import pathlib
import sys
import tempfile

import grpc
from eth_account import Account
from eth_account.messages import encode_defunct
from grpc_tools import protoc


class Client:
    """Signed in as the demonstration's user."""

    def __init__(self, root: pathlib.Path, system):
        self.pb, services = stubs(root)
        channel = grpc.insecure_channel(f"127.0.0.1:{system.rpc_port}")
        self.rpc = services.AggregatorStub(channel)
        self.user = Account.from_key(system.stored_key("user.key"))
        self.metadata = self.sign_in()
        self.wallet = self.call("GetWallet", self.pb.GetWalletReq()).address

    def sign_in(self):
        request = self.pb.GetSignatureFormatReq(wallet=self.user.address)
        text = self.rpc.GetSignatureFormat(request, timeout=10).message
        signature = self.user.sign_message(encode_defunct(text=text)).signature.hex()
        key = self.rpc.GetKey(self.pb.GetKeyReq(message=text, signature="0x" + signature.removeprefix("0x")), timeout=10)
        return (("authkey", key.key),)

    def call(self, name: str, request):
        return getattr(self.rpc, name)(request, metadata=self.metadata, timeout=30)


def stubs(root: pathlib.Path):
    """Generates the modules into a directory of their own and imports them."""
    target = tempfile.mkdtemp(prefix="avs-stubs-")
    include = str(root / "proto")
    well_known = str(pathlib.Path(protoc.__file__).parent / "_proto")
    arguments = ["protoc", f"-I{include}", f"-I{well_known}", f"--python_out={target}", f"--grpc_python_out={target}"]
    if protoc.main(arguments + ["avs.proto"]) != 0:
        raise RuntimeError("protoc could not make the stubs")
    sys.path.insert(0, target)
    return importlib.import_module("avs_pb2"), importlib.import_module("avs_pb2_grpc")
