"""Connections that end as no client should end them, made with plain sockets."""

import random
import socket
import struct
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
RESETS_AT_CLOSE = struct.pack("ii", 1, 0)
PAUSE = 0.02


class RudeClients:
    """Opens connections until it is told to stop, and drops them with a reset after some of the first bytes."""

    def __init__(self, target: str, seed: int):
        host, _, port = target.rpartition(":")
        self.address = (host, int(port))
        self.random = random.Random(seed)
        self.connections = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> "RudeClients":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopped.set()
        self.thread.join()

    def _run(self) -> None:
        bytes_sent = PREFACE + SETTINGS * 3
        while not self.stopped.wait(PAUSE):
            try:
                with socket.create_connection(self.address, timeout=5) as connection:
                    connection.sendall(bytes_sent[:self.random.randint(0, len(bytes_sent))])
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS_AT_CLOSE)
            except OSError:
                pass  # the server was faster
            self.connections += 1
