"""Filters, loops and branches that need JavaScript, and the variables that code sees, through real script workers."""

import pytest
from avs_testbed import tasks
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain
from test_workflow_nodes import AGES, Bench, edges, output

SUCCESS, FAILED = avs.EXECUTION_STATUS_SUCCESS, avs.EXECUTION_STATUS_FAILED


@pytest.fixture
def bench(user, wallet) -> Bench:
    return Bench(user, wallet)


def code(source: str, name: str = "code"):
    return tasks.custom_code(source, name)


# Filter

@pytest.mark.parametrize("expression, kept", [
    ("value.name.startsWith('B')", ["Bo"]), ("index > 0 && value.age % 4 === 0", ["Cy"]),
    ("{{ [16, 18].includes(value.age) }}", ["Al", "Bo"]), ("value.name.first.toUpperCase() === 'X'", []),
    ("if (value.age > 17) { return true }", ["Bo", "Cy"]), ("return value.age < 17", ["Al"]),
    ("BigInt(value.age) * 2n > 70n", ["Cy"]), ("value.name.at(0) === 'B';", ["Bo"]), ("v => v.age > 99", ["Al", "Bo", "Cy"]), ("['if', 'return'].length === 2 && value.age === 18", ["Bo"])])
def test_a_filter_by_script(bench, expression, kept):
    """EE-5.8: statements too, and what throws for an element leaves it out"""
    found = bench.everywhere(tasks.filter_node(expression, "{{people}}"), people=AGES)
    assert [item["name"] for item in found] == kept


@pytest.mark.parametrize("expression", ["value.age >>>>> 18", "value.age ==", "value.name === 'x", "if (value"])
def test_a_filter_that_is_no_script(bench, expression):
    """EE-5.8: syntax errors are the node's, also those that are seen without a script worker"""
    for text in bench.failing(tasks.filter_node(expression, "{{people}}"), people=AGES):
        assert "SyntaxError" in text


def test_a_filter_over_results_of_code(bench):
    """EE-NF2: a BigInt of a node before is a text"""
    answer = bench.triggered(code("return [1n, 2n, 90071992547409931n]"), tasks.filter_node("value !== '1'", "{{code.data}}"))
    assert output(answer.steps[2]) == ["2", "90071992547409931"]


# Loop

@pytest.mark.parametrize("parallel", [False, True])
def test_a_loop_of_code(bench, parallel):
    """EE-NL1, EE-NL2: objects, numbers and texts; by index"""
    node = tasks.loop("{{list}}", value="n", key="i", parallel=parallel,
                      custom_code=code("return {p: n * 2, i, sq: n ** 2, t: typeof n}"))
    assert bench.everywhere(node, list=[1, 2, 3])[2] == {"p": 6, "i": 2, "sq": 9, "t": "number"}
    name = tasks.loop("{{list}}", parallel=parallel, custom_code=code("return value.name ?? value"))
    assert bench.everywhere(name, list=[{"name": "a"}, "b", 3]) == ["a", "b", 3]


def test_thirty_parallel_pieces_of_code(bench):
    """EE-NL2: none sees what another one did"""
    node = tasks.loop("{{list}}", parallel=True, custom_code=code(
        "globalThis.seen = (globalThis.seen ?? 0) + 1; return [value, index, globalThis.seen]"))
    found = output(bench.triggered(node, list=list(range(100, 130))).steps[1])
    assert found == [[100 + index, index, 1] for index in range(30)]


def test_one_of_three_throws(bench):
    """EE-NL7; and null that is returned is no failure"""
    source = "if (value === 2) { throw new Error('no') } return value"
    step = bench.triggered(tasks.loop("{{list}}", custom_code=code(source)), list=[1, 2, 3]).steps[1]
    assert output(step) == [1, None, 3] and not step.success and step.error_code == 3000
    assert step.error.startswith("1 of 3 iterations failed: ") and "no" in step.error and "invalid request" not in step.error
    assert bench.everywhere(tasks.loop("{{list}}", custom_code=code("return null")), list=[1]) == [None]


def test_code_that_is_slow_ends_the_loop(bench):
    """EE-NL10"""
    node = tasks.loop("{{list}}", seconds=1, custom_code=code("while (true) {}; return 1"))
    answer = bench.alone(node, list=[1])
    assert not answer.success and "timed out after 1s" in answer.error


# Branch

TOKENS = [{"symbol": "ETH", "amount": 5}, {"symbol": "USDC", "amount": 7}]


@pytest.mark.parametrize("expression, taken", [
    ('tokens.find(t => t.symbol === "USDC")?.amount > 6', True),
    ('tokens.find(t => t.symbol === "usdc")?.amount > 6', False),
    ('tokens.find(t => t.symbol.toLowerCase() === "USDC".toLowerCase())?.amount > 6', True),
    ('BigInt(big) < BigInt("1400000000000000000")', True), ('BigInt(big) < 1n', False),
    ('new Date("2026-02-01") > new Date("2026-01-01")', True), ('Number("535.124566") > 10', True),
    ("tokens.length", False), ("eval('true')", False), ("nowhere.x > 1", False)])
def test_conditions_by_script(bench, expression, taken):
    """EE-NB8, EE-NB9, EE-NB4, EE-NB5"""
    node = tasks.branch("b", ("if", "if", expression), ("else", "else", ""))
    answer = bench.triggered(node, tokens=TOKENS, big="1300000000000000000")
    assert answer.status == SUCCESS and output(answer.steps[1]) == {"conditionId": "b.if" if taken else "b.else"}


def test_a_bigint_comparison_is_reported(bench):
    """EE-NB10: operands as texts"""
    step = bench.triggered(tasks.branch("b", ("if", "if", "BigInt(big) > 5n"), ("else", "else", "")), big="7").steps[1]
    evaluation, = plain(step.metadata)["conditionEvaluations"]
    assert evaluation["variableValues"]["left"] == "7" and evaluation["taken"] is True


# Variables and templates in code

def test_code_sees_native_types(bench):
    """EE-V1, EE-V2"""
    source = """
        return [typeof amount, amount + 1, typeof text, flag === true, nothing === null, list.length, deep.a[1].b,
                settings.name, typeof settings.runner]"""
    variables = {"amount": 1_000_000, "text": "x", "flag": True, "nothing": None, "list": [1, 2, 3],
                 "deep": {"a": [0, {"b": "c"}]}}
    expected = ["number", 1_000_001, "string", True, True, 3, "c", "a task", "string"]
    settings = {"name": "a task", "runner": bench.wallet}
    alone = bench.alone(code(source), settings=settings, **variables)
    assert plain(alone.custom_code.data) == expected, alone.error
    for run in (bench.simulated, bench.triggered):
        assert output(run(code(source), **variables).steps[1]) == expected


def test_code_sees_the_trigger(bench):
    """EE-V3"""
    trigger = tasks.manual({"env": "prod"})
    trigger.manual.config.headers["x-test"] = "1"
    trigger.manual.config.pathParams["mode"] = "m"
    source = 'return [start.data.env, start.input.data.env, start.headers["x-test"], start.pathParams.mode]'
    step = bench.triggered(code(source), trigger=trigger).steps[1]
    assert output(step) == ["prod", "prod", "1", "m"] and {"start.data", "start.input"} <= set(step.inputs)


def test_code_sees_the_body_of_an_answer(bench, web):
    """EE-V5, EE-V6: not the envelope; and the run's context"""
    nodes = [tasks.rest(f"{web.url}/seen", "r"),
             code("return [r.data.path, context.status, context.executionCount, Object.keys(context).sort()]")]
    answer = bench.triggered(*nodes)
    assert output(answer.steps[1])["status"] == 200
    keys = ["completedAt", "executionCount", "lastRanAt", "status"]
    assert output(answer.steps[2]) == ["/seen", "Enabled", 1, keys]


def test_code_may_return_a_key_in_two_spellings(bench):
    """INP-1: an object that cannot be held is the node's failure, and nothing else's"""
    made = 'const o = {["\\u00e9"]: 1}; o["e\\u0301"] = 2; return '
    for text in bench.failing(code(made + "o")):
        assert "two keys that Unicode holds for one" in text
    assert bench.everywhere(code(made + "Object.keys(o).length")) == 2


def test_code_sees_the_wallet(user):
    """EE 2.1, EE 6.2: its sender and its salt, in all three ways"""
    wallet = user.wallet(salt="3").address
    bench = Bench(user, wallet)
    for run in (bench.simulated, bench.triggered):
        assert output(run(code("return [aa_sender, aa_salt]"), aa_salt="x").steps[1]) == [wallet, "3"]
    node = tasks.transfer("{{aa_sender}}", "{{aa_salt}}")
    alone = bench.alone(node, settings={"runner": wallet, "chain_id": 31337})
    assert alone.success, alone.error
    assert plain(alone.eth_transfer.data)["transfer"] == {"from": wallet, "to": wallet, "value": "3"}


@pytest.mark.parametrize("source, expected", [
    ("return undefined;", None), ("if ({{settings.n}} > 0) { return undefined; } return 1;", None),
    ("return NaN", 0), ("return [1 / 0, {a: -1 / 0}]", [0, {"a": 0}])])
def test_what_code_may_leave_open(bench, source, expected):
    """EE-P4, EE-P5, EE-V12"""
    answer = bench.triggered(code(source), settings={"n": 1})
    assert answer.status == SUCCESS and output(answer.steps[1]) == expected, answer.error
