"""One chain, one web server and one aggregator for the whole run; every test brings its own users and operators."""

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from avs_testbed.operators import Operator, operator_account  # noqa: E402
from avs_testbed.processes import Aggregator, Chain, free_port  # noqa: E402
from avs_testbed import tasks  # noqa: E402
from avs_testbed.users import User  # noqa: E402
from avs_testbed.waiting import until  # noqa: E402
from avs_testbed.web import BALANCE_KEY, WebServer  # noqa: E402

OPERATORS = 100
"""How many approved operators there are. A test takes fresh ones: an address may connect once in five seconds."""

_numbers = itertools.count()


@pytest.fixture(scope="session")
def chain() -> Iterator[Chain]:
    chain = Chain()
    yield chain
    chain.stop()


@pytest.fixture(scope="session")
def web() -> Iterator[WebServer]:
    server = WebServer(free_port())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_aggregator(chain, web, tmp_path_factory) -> Iterator[Callable[..., Aggregator]]:
    """Makes aggregators that are not started yet; what still runs at the end is stopped, and has to end cleanly."""
    made: list[Aggregator] = []

    def make(**settings) -> Aggregator:
        aggregator = Aggregator(
            folder=tmp_path_factory.mktemp("aggregator"), chain=chain,
            operators=[operator_account(number).address for number in range(OPERATORS)],
            settings={"fetch": {"allow": [web.authority], "mock_host": True}, "moralis_api_key": BALANCE_KEY,
                      "macros": {"secrets": {"ap_shared": "known to all"}},
                      "moralis_url": f"{web.url}/balances"} | settings)
        made.append(aggregator)
        return aggregator

    yield make
    for aggregator in made:
        if aggregator.process is not None:
            status = aggregator.stop() if aggregator.is_running else aggregator.process.returncode
            assert status == 0, f"ended with {status}:\n{aggregator.last_log()}"
            assert not aggregator.logged_errors()


@pytest.fixture(scope="session")
def aggregator(new_aggregator) -> Aggregator:
    """The shared one, over plaintext HTTP/2."""
    aggregator = new_aggregator()
    aggregator.start()
    return aggregator


@pytest.fixture
def channel(aggregator) -> Iterator[grpc.Channel]:
    assert aggregator.is_running, f"the aggregator ended in an earlier test:\n{aggregator.last_log(100)}"
    with aggregator.channel() as channel:
        yield channel


@pytest.fixture
def new_user(channel) -> Callable[[], User]:
    """Makes users that are signed in."""
    return lambda: User(channel).sign_in()


@pytest.fixture
def user(new_user) -> User:
    return new_user()


@pytest.fixture
def wallet(user) -> str:
    """The address of the user's default wallet."""
    return user.wallet().address


@pytest.fixture
def new_operator(aggregator) -> Iterator[Callable[[], Operator]]:
    """Makes operators with an address that no test used before, each on a connection of its own."""
    channels: list[grpc.Channel] = []

    def make() -> Operator:
        number = next(_numbers)
        assert number < OPERATORS, "the bench has no more operators: raise OPERATORS"
        channels.append(aggregator.channel())
        return Operator(channels[-1], number)

    yield make
    for channel in channels:
        channel.close()


@pytest.fixture
def operator(new_operator) -> Operator:
    return new_operator()


@pytest.fixture
def synced(new_operator, user, wallet):
    """Makes operators whose first pass is over: they were told of a task that only this fixture made."""
    streams = []

    def make(**options):
        operator = new_operator()
        stream = operator.connect(**options).wait_for_headers()
        streams.append(stream)

        def told():
            marker = user.create(tasks.task(wallet, tasks.block()))
            try:
                return bool(stream.next_of(marker, 0.2))
            except AssertionError:
                return False
            finally:
                user.delete(marker)

        until(told, what="the first pass")
        return operator, stream

    yield make
    for stream in streams:
        stream.close()
