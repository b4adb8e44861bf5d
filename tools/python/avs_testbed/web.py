"""A web server on loopback that remembers what it was asked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebServer:
    """Answers `/status/N` with that status and everything else with what it was asked, as JSON."""

    def __init__(self, port: int):
        self.requests: list[dict] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.authority = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.authority}"

    def of(self, path: str) -> list[dict]:
        with self._lock:
            return [request for request in self.requests if request["path"] == path]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        bench = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = min(int(self.headers.get("content-length") or 0), 1 << 20)
                request = {"method": self.command, "path": self.path, "body": self.rfile.read(length).decode(),
                           "headers": {name.lower(): value for name, value in self.headers.items()}}
                with bench._lock:
                    bench.requests.append(request)
                status = int(self.path.removeprefix("/status/")) if self.path.startswith("/status/") else 200
                content = json.dumps({key: request[key] for key in ("method", "path", "body")}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

            def log_message(self, *_):
                pass

        return Handler
