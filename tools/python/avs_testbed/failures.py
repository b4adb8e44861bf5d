"""Calls that have to fail."""

from contextlib import contextmanager

import grpc
import pytest


class Failure:
    """What a failed call said; filled when the block ends."""

    code: grpc.StatusCode
    text: str
    domain: str | None

    def __str__(self):
        return f"{self.code.name} [{self.domain}] {self.text}"


@contextmanager
def refused(code: str, domain: int | None = None, text: str | None = None):
    """The block has to end with this status, this number in `x-ap-error-code`, and exactly this text, or a part of it
    that begins with `…`."""
    failure = Failure()
    with pytest.raises(grpc.RpcError) as raised:
        yield failure
    error = raised.value
    failure.code, failure.text = error.code(), error.details()
    trailers = dict(error.trailing_metadata() or ())
    failure.domain = trailers.get("x-ap-error-code")
    assert failure.code.name == code, failure
    if domain is not None:
        assert failure.domain == str(domain), failure
    if text is not None and text.startswith("…"):
        assert text[1:] in failure.text, failure
    elif text is not None:
        assert failure.text == text, failure
