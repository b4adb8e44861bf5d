"""The client library, through avsctl, when the aggregator dies between its commit and its answer."""

import json
import os
import subprocess

import pytest
from avs_testbed.fatal_proxy import FatalProxy
from avs_testbed.processes import inspector

COMMAND_SECONDS = 60
ID = rb"0[0-9a-hjkmnp-tv-z]{25}"

HEAT = {
    "name": "Heat",
    "trigger": {"id": "start", "name": "start", "manual": {"config": {"lang": "LANG_JSON"}}},
    "nodes": [{"id": "n1", "name": "check", "branch": {"config": {"conditions": [
        {"id": "hot", "type": "if", "expression": "start.data.degrees > 30"}]}}}],
    "edges": [{"id": "e1", "source": "start", "target": "n1"}],
}


@pytest.fixture
def avsctl(tmp_path):
    """Runs avsctl against a port; each port has a token file of its own."""
    program = inspector()
    if program is None:
        pytest.skip("avsctl is not built")

    def run(port: int, *arguments: str) -> str:
        environment = os.environ | {
            "AVSCTL_SERVER": f"127.0.0.1:{port}", "AVSCTL_PRIVATE_KEY": "17" * 32, "XDG_CONFIG_HOME": str(tmp_path / str(port))}
        ended = subprocess.run(
            [program, *arguments], env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


def test_a_creation_whose_answer_is_lost_with_the_server_makes_one_task(new_aggregator, avsctl, tmp_path):
    """issue 4, item 9: what has a key is repeated, and was made once"""
    aggregator = new_aggregator()
    aggregator.start()
    avsctl(aggregator.port, "login")
    wallet = json.loads(avsctl(aggregator.port, "wallets", "get", "--json"))["address"]
    file = tmp_path / "heat.json"
    # With the wallet in it, the id in the answer to CreateTask is the first that goes over the connection.
    file.write_text(json.dumps(HEAT | {"smartWalletAddress": wallet}), encoding="utf-8")

    def die_and_come_back() -> None:
        aggregator.kill()
        aggregator.launch()

    proxy = FatalProxy(aggregator.port, ID, die_and_come_back)
    try:
        avsctl(proxy.port, "login")
        assert not proxy.was_fatal.is_set()
        made = avsctl(proxy.port, "tasks", "create", "-f", str(file)).strip()
    finally:
        proxy.close()
    assert proxy.was_fatal.is_set() and aggregator.starts == 2
    aggregator.wait_until_serving()
    listed = [json.loads(line)["id"] for line in avsctl(aggregator.port, "tasks", "list", "--json").splitlines()]
    assert listed == [made]
    aggregator.stop()
