"""What calls were made and what came of them, written down as it happens (TST-10)."""

import json
import threading
import time
from pathlib import Path

import grpc

CHANGES_NOTHING = ("/grpc.health.v1.Health/",)


class History(grpc.UnaryUnaryClientInterceptor):
    """Appends one JSON object per line: each call before it is sent and after its answer, and what else is noted.

    A call is `ok`, or ended with a status; after UNAVAILABLE, CANCELLED, UNKNOWN or DEADLINE_EXCEEDED nobody knows
    whether it was carried out.
    """

    def __init__(self, file: Path):
        self._lines = file.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._last = 0

    def note(self, event: str, **facts) -> None:
        with self._lock:
            self._lines.write(json.dumps({"at": round(time.time(), 6), "event": event, **facts}) + "\n")

    def intercept_unary_unary(self, continuation, details, request):
        if details.method.startswith(CHANGES_NOTHING):
            return continuation(details, request)
        with self._lock:
            self._last += 1
            number = self._last
        self.note("call", number=number, method=details.method, request=str(request)[:2_000])
        call = continuation(details, request)
        call.add_done_callback(lambda done: self.note("answer", number=number, status=done.code().name))
        return call
