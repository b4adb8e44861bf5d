"""A web server on loopback that remembers what it was asked."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


BALANCE_KEY = "key-of-the-balance-service"
BALANCES = [
    {"token_address": "0x" + "ee" * 20, "symbol": "ETH", "name": "Ether", "decimals": 18,
     "balance": "1500000000000000000", "usd_price": 2000.0, "usd_value": 3000.0, "native_token": True},
    {"token_address": "0x1c7d4b196cb0c7b01d743fbc6116a902379c7238", "symbol": "USDC", "name": "USD Coin",
     "decimals": "6", "balance": "2500000", "usd_price": 1.0, "usd_value": 2.5, "native_token": False},
    {"token_address": "0x" + "12" * 20, "symbol": "NONE", "name": "Nothing", "decimals": 6, "balance": "0",
     "native_token": False},
]


class WebServer:
    """Answers `/status/N` with that status and everything else with what it was asked, as JSON. Besides it plays a
    GraphQL server under `/graphql`, a service of balances under `/balances`, is slow under `/slow/SECONDS`, and
    fails N times under `/flaky/N/…`."""

    def __init__(self, port: int):
        self.requests: list[dict] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        # A client that is killed resets its connections.
        self._server.handle_error = lambda *_: None
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.authority = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.authority}"

    def of(self, path: str) -> list[dict]:
        with self._lock:
            return [request for request in self.requests if request["path"] == path]

    def status(self, request: dict) -> int:
        """`/status/N` is answered with N, the first N requests for `/flaky/N/…` with 503, all else with 200."""
        match request["path"].split("/"):
            case ["", "status", number]: return int(number)
            case ["", "flaky", number, *_]: return 503 if len(self.of(request["path"])) <= int(number) else 200
            case _: return 200

    @staticmethod
    def answer(request: dict):
        """What a request is answered with."""
        if request["path"] == "/graphql":
            asked = json.loads(request["body"])
            if "fail" in asked["query"]:
                return {"data": None, "errors": [{"message": "no such field"}]}
            return {"data": {"variables": asked["variables"], "query": asked["query"]}}
        if request["path"].startswith("/balances/"):
            if request["headers"].get("x-api-key") != BALANCE_KEY:
                return {"message": "no key"}
            return {"cursor": None, "result": BALANCES}
        return {key: request[key] for key in ("method", "path", "body")}

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
                status = bench.status(request)
                if self.path.startswith("/slow/"):
                    time.sleep(float(self.path.rsplit("/", 1)[1]))
                content = json.dumps(bench.answer(request)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

            def log_message(self, *_):
                pass

        return Handler
