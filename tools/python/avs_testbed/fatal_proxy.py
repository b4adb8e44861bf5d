"""A way to the aggregator on which the first answer that matters is lost, together with the aggregator."""

import re
import socket
import threading
from collections.abc import Callable

PIECE = 64 * 1024


class FatalProxy:
    """Passes bytes both ways. The first piece from the server that holds `pattern` is dropped instead of passed on:
    `on_match` is called, and the client's connection ends without it."""

    def __init__(self, port: int, pattern: bytes, on_match: Callable[[], None]):
        self.server_port, self.pattern, self.on_match = port, re.compile(pattern), on_match
        self.was_fatal = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port), timeout=5)
            except OSError:
                client.close()  # the server is away, and so it looks to the client
                continue
            server.settimeout(None)
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        try:
            while piece := source.recv(PIECE):
                if is_answer and not self.was_fatal.is_set() and self.pattern.search(piece):
                    self.was_fatal.set()
                    self.on_match()
                    break
                target.sendall(piece)
        except OSError:
            pass  # one side is gone; so is the other in a moment
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
