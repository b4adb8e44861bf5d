"""What the outside is told, and requests whose outcome nobody knows: with processes that are killed."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from avs_testbed import tasks
from avs_testbed.stubs import avs
from avs_testbed.users import User
from avs_testbed.waiting import until

MANUAL = avs.TRIGGER_TYPE_MANUAL
TOKEN = "a token of the receiver"


class Receiver:
    """Takes messages, or refuses them with 503."""

    def __init__(self):
        self.messages: list[tuple[dict, dict]] = []
        self.takes = True
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                receiver.messages.append((body, dict(self.headers)))
                self.send_response(204 if receiver.takes else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def start(new_aggregator):
    """Starts an aggregator that ends with the test."""
    started = []

    def start(**settings):
        started.append(new_aggregator(drain={"timeout": "1s"}, **settings))
        started[-1].start()
        return started[-1]

    yield start
    for aggregator in started:
        aggregator.stop()


def test_the_end_of_a_run_is_told_until_somebody_takes_it(start, receiver):
    """XO-23: over a SIGKILL, under one event id, with the administrator's token"""
    aggregator = start(outbox={"webhook_url": receiver.url, "webhook_token": TOKEN})
    receiver.takes = False
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        task_id = user.create(tasks.task(user.wallet().address, name="told"))
        run = user.trigger(task_id, MANUAL, blocking=True)
        until(lambda: receiver.messages, what="the first attempt")
    aggregator.kill()
    refused = len(receiver.messages)
    receiver.takes = True
    aggregator.start()
    until(lambda: len(receiver.messages) > refused, what="the delivery")
    for body, headers in receiver.messages:
        assert body["id"] == headers["Idempotency-Key"] == f"execution.ended/{run.execution_id}"
        assert headers["Authorization"] == f"Bearer {TOKEN}" and headers["Content-Type"] == "application/json"
        assert (body["type"], body["taskId"], body["taskName"], body["status"], body["error"]) == (
            "execution.ended", task_id, "told", "success", "")
        assert body["owner"] == user.address


@pytest.mark.parametrize("choice, requests, status", [
    (avs.UNKNOWN_OUTCOME_UNSPECIFIED, 1, avs.EXECUTION_STATUS_FAILED),
    (avs.UNKNOWN_OUTCOME_RETRY, 2, avs.EXECUTION_STATUS_SUCCESS),
])
def test_a_task_chooses_what_becomes_of_a_request_that_a_crash_interrupted(start, web, choice, requests, status):
    """XO-3, B5: a POST is sent once at most, or once at least"""
    aggregator = start()
    path = f"/slow/{choice}.5"
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        node = tasks.rest(f"{web.url}{path}", method="POST", body="x")
        node.after_unknown_outcome = choice
        task_id = user.create(tasks.task(user.wallet().address, nodes=[node]))
        assert user.task(task_id).nodes[0].after_unknown_outcome == choice
        run = user.trigger(task_id, MANUAL)
        until(lambda: web.of(path), what="the request")
    aggregator.kill()
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel, user.account).sign_in()

        def ended():
            execution = user.execution(task_id, run.execution_id)
            return execution if execution.status != avs.EXECUTION_STATUS_PENDING else None

        execution = until(ended, what="the end of the run")
        assert execution.status == status and len(web.of(path)) == requests
        step = execution.steps[1]
        unknown = "outcome unknown after restart"
        assert ([attempt.error for attempt in step.failed_attempts], step.error) == (
            ([unknown], "") if requests == 2 else ([], unknown))


def test_a_request_with_a_key_is_sent_again_under_the_same_key(start, web):
    """XO-3, B5: the other side sees that both are one, and other steps and runs have other keys"""
    aggregator = start()
    path = "/slow/0.75"
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        node = tasks.rest(f"{web.url}{path}", method="POST", body="x")
        node.rest_api.config.idempotency_header = "Idempotency-Key"
        task_id = user.create(tasks.task(user.wallet().address, nodes=[node]))
        assert user.task(task_id).nodes[0].rest_api.config.idempotency_header == "Idempotency-Key"
        run = user.trigger(task_id, MANUAL)
        until(lambda: web.of(path), what="the request")
    aggregator.kill()
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel, user.account).sign_in()

        def ended():
            execution = user.execution(task_id, run.execution_id)
            return execution if execution.status != avs.EXECUTION_STATUS_PENDING else None

        execution = until(ended, what="the end of the run")
        assert execution.status == avs.EXECUTION_STATUS_SUCCESS
        assert [attempt.error for attempt in execution.steps[1].failed_attempts] == ["outcome unknown after restart"]
        assert user.trigger(task_id, MANUAL, blocking=True).status == avs.EXECUTION_STATUS_SUCCESS
        first, again, other = [request["headers"]["idempotency-key"] for request in web.of(path)]
        assert first == again != other
        node.rest_api.config.headers["idempotency-key"] = "mine"
        with pytest.raises(Exception, match="is one of the headers, too"):
            user.create(tasks.task(user.wallet().address, nodes=[node]))


def test_a_node_that_sends_transactions_cannot_choose(user, wallet):
    """XO-18: it is looked up instead"""
    node = tasks.transfer("0x" + "11" * 20, "1")
    node.after_unknown_outcome = avs.UNKNOWN_OUTCOME_RETRY
    with pytest.raises(Exception, match="cannot choose to be tried again"):
        user.create(tasks.task(wallet, nodes=[node]))
