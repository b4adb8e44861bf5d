"""Waiting for something that can only be asked for."""

import time

PAUSE_SECONDS = 0.02


def until(condition, seconds: float = 30, what: str = "it"):
    """Asks again and again until the answer is true, and returns it."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(PAUSE_SECONDS)
    return answer
