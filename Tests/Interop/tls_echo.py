"""One unary call over TLS by gRPC core: tls_echo.py TARGET ROOTS [CERTIFICATE KEY]. Prints the answer in hexadecimal."""

import sys

import grpc


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    target, roots = sys.argv[1], read(sys.argv[2])
    chain, key = (read(sys.argv[3]), read(sys.argv[4])) if len(sys.argv) > 3 else (None, None)
    credentials = grpc.ssl_channel_credentials(root_certificates=roots, private_key=key, certificate_chain=chain)
    with grpc.secure_channel(target, credentials) as channel:
        call = channel.unary_unary("/test.Service/Echo")
        for size in (0, 1, 70_000, 3_000_000):
            message = bytes(i % 251 for i in range(size))
            assert call(message, timeout=20) == message, size
        print(call(b"\x01\x02\xff", timeout=20).hex())


main()
