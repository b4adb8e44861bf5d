"""grpcio, with its asyncio server. usage: server.py PORT; wants the generated echo_pb2 modules on sys.path."""

import asyncio
import sys

import echo_pb2_grpc
import grpc


class Echo(echo_pb2_grpc.EchoServicer):
    async def Unary(self, request, context):
        return request


async def main() -> None:
    server = grpc.aio.server()
    echo_pb2_grpc.add_EchoServicer_to_server(Echo(), server)
    print(server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}"), flush=True)
    await server.start()
    await server.wait_for_termination()


asyncio.run(main())
