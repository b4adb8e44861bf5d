"""Custom code, templates and conditions that need JavaScript, through the aggregator and its script workers."""

import subprocess
import threading
import time

import pytest
from avs_testbed import tasks
from avs_testbed.stubs import avs
from avs_testbed.tasks import plain, set_value
from avs_testbed.waiting import until

MANUAL = avs.TRIGGER_TYPE_MANUAL
SUCCESS, FAILED = avs.EXECUTION_STATUS_SUCCESS, avs.EXECUTION_STATUS_FAILED


def run_code(user, source, lang=avs.LANG_JAVASCRIPT, **variables):
    request = avs.RunNodeWithInputsReq(node=tasks.custom_code(source, lang=lang))
    for name, value in variables.items():
        set_value(request.input_variables[name], value)
    return user.call("RunNodeWithInputs", request)


def run_task(user, wallet, *nodes, **variables):
    request = tasks.task(wallet, nodes=nodes)
    for name, value in variables.items():
        set_value(request.input_variables[name], value)
    answer = user.trigger(user.create(request), MANUAL, blocking=True)
    return answer, list(answer.steps[1:])


@pytest.mark.parametrize("source, expected", [
    ("return 1 + 2;", 3), ("21 * 2", 42), ("return {a: x.data.n}", {"a": "5"}),
    ('return BigInt("90071992547409931") + 1n', "90071992547409932"), ("return [[1n], {d: new Map([['k', 2n]])}]", [["1"], {"d": {"k": "2"}}]),
    ('return new Date("2026-02-03T04:05:06Z")', "2026-02-03T04:05:06Z"), ("return new Uint8Array([1,2])", [1, 2]),
    ('const d = require("dayjs"); return d("2023-01-01").format("YYYY-MM-DD")', "2023-01-01"),
    ("import { v4 as id } from 'uuid'; return id().length", 36), ("import * as _ from 'lodash'; return _.sum([1,2,3])", 6),
    ("return undefined;", None), ("return null", None), ("return () => 1", None), ("return Promise.resolve('later')", "later"),
    ("return {}", {}), ("return []", []), ("return [true, null, {a: {b: ['c']}}]", [True, None, {"a": {"b": ["c"]}}]),
    ('const v = "{{x.data.n}}"; return v + 1', "51"), ("console.log(x); return x?.y?.z ?? 'none'", "none"),
    ("return {data: 5, x: 1}", {"data": 5, "x": 1}), ("return Array.from({length: 10000}, (_, i) => i).length", 10000),
])
def test_what_code_returns(user, source, expected):
    """EE-NC1, EE-NC2, EE-NC3, EE-NC6, EE-NC9, EE-NC13, EE-NC14"""
    answer = run_code(user, source, x={"data": {"n": "5"}})
    assert (answer.success, answer.error, answer.error_code) == (True, "", 0)
    assert plain(answer.custom_code.data) == expected


CONVERSIONS = [
    ("undefined", None), ("null", None), ("() => 1", None), ("new Promise(() => {})", None), ("Symbol('s')", None),
    ("true", True), ("'text'", "text"), ("1.5", 1.5), ("NaN", 0), ("-Infinity", 0), ("2n ** 64n", str(2**64)),
    ("[{a: -9007199254740993n}]", [{"a": "-9007199254740993"}]), ("new Date('2026-01-15T10:30:00Z')", "2026-01-15T10:30:00Z"),
    ("{d: [new Date('2026-01-15T10:30:00.250Z')]}", {"d": ["2026-01-15T10:30:00.250Z"]}),
    ("new Map([[1, 'a'], ['k', new Map([[null, 2n]])]])", {"1": "a", "k": {"null": "2"}}),
    ("new Set([1, 'b', 3n])", [1, "b", "3"]), ("new Uint8Array([1, 2])", [1, 2]), ("new Float64Array([0.5])", [0.5]),
    ("new BigInt64Array([5n])", ["5"]), ("new Uint8Array([7, 8]).buffer", [7, 8]),
    ("[[], {}, [{a: [() => 1, undefined]}]]", [[], {}, [{"a": [None, None]}]]),
]
"""Expressions and what they become (5.6.3)."""


def test_every_kind_of_result_is_converted(user, wallet):
    """EE-5.6.3: alone, and in the record of a run, at any depth"""
    for source, expected in CONVERSIONS:
        answer = run_code(user, f"return ({source})")
        assert answer.success and plain(answer.custom_code.data) == expected, source
    whole = "return [" + ", ".join(f"({source})" for source, _ in CONVERSIONS) + "]"
    answer, steps = run_task(user, wallet, tasks.custom_code(whole))
    assert answer.status == SUCCESS and plain(steps[0].custom_code.data) == [expected for _, expected in CONVERSIONS]
    assert list(user.execution(answer.workflow_id, answer.execution_id).steps[1:]) == steps


@pytest.mark.parametrize("source", ["const a = {}; a.a = a; return a", "const a = []; return [a, new Map([['a', a.push(a) && a]])]"])
def test_what_contains_itself_has_no_result(user, source):
    """EE-5.6.3"""
    answer = run_code(user, source)
    assert not answer.success and "error converting result" in answer.error and not answer.custom_code.HasField("data")


@pytest.mark.parametrize("source, fragment", [
    ('throw new Error("no")', "Error: no"), ("return missing", "missing is not defined"), ("return (", "SyntaxError"),
    ('return require("fs")', "module not found: fs"), ("null.x", "TypeError"), ("return process.env", "not defined"),
])
def test_code_that_fails(user, source, fragment):
    """EE-NC4, EE-NC5, EE-NC7"""
    answer = run_code(user, source)
    assert not answer.success and answer.error_code == 3000
    assert answer.error.startswith("failed to execute script: ") and fragment in answer.error
    assert not answer.custom_code.HasField("data")


def test_sizes_and_language(user):
    """EE-NC8, EE-NC11, EE-NC15"""
    full = "return 1;" + " " * (102_400 - 9)
    assert plain(run_code(user, full).custom_code.data) == 1
    for source, code, fragment in [(full + " ", 3002, "maximum size"), ("", 3006, "source is required")]:
        answer = run_code(user, source)
        assert not answer.success and answer.error_code == code and fragment in answer.error
    answer = run_code(user, "return 1", lang=1)
    assert plain(answer.execution_context) == {"chainId": 31337, "isSimulated": False, "provider": "chain_rpc"}
    assert not run_code(user, "return 1", lang=0).success


def test_nodes_work_on_each_others_results(user, wallet, web):
    """EE-NC12: a long list, and a template that calculates, in a run"""
    answer, steps = run_task(
        user, wallet, tasks.custom_code("console.log('made', 3); return Array.from({length: 10000}, (_, i) => ({i}))", "made"),
        tasks.custom_code("return made.data.filter(e => e.i % 2).length + settings.add", "counted"),
        tasks.rest(f"{web.url}/n/{{{{counted.data * 2}}}}/{{{{made.data.slice(0, 2).length}}}}", "asked"),
        tasks.branch("judge", ("yes", "if", "made.data.find(e => e.i === 7)?.i === 7 && counted.data > 5000"), ("no", "else", "")),
        settings={"name": "n", "runner": wallet, "chain_id": 31337, "add": 1})
    assert (answer.status, answer.error) == (SUCCESS, "")
    assert len(plain(steps[0].custom_code.data)) == 10000 and plain(steps[1].custom_code.data) == 5001
    assert "console: made 3" in steps[0].log
    assert web.of("/n/10002/2")
    assert plain(steps[3].branch.data) == {"conditionId": "judge.yes"}


def test_code_reaches_the_secrets_it_names(user, wallet):
    """JS-8"""
    user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="code_key", secret="open sesame"))
    user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name="other_key", secret="not for this one"))
    named = tasks.custom_code("console.log(apContext.configVars.code_key); return apContext.configVars.code_key.length", "named")
    whole = tasks.custom_code("return apContext", "whole")
    answer, steps = run_task(user, wallet, named, whole)
    assert answer.status == SUCCESS
    assert plain(steps[0].custom_code.data) == 11 and "sesame" not in steps[0].log
    assert plain(steps[1].custom_code.data) == {"configVars": {}}


def test_an_endless_loop_fails_its_step_and_nothing_else(new_user, user):
    """EE-NC10, JS-4, JS-9, OVL-6: another owner's script runs meanwhile"""
    other, answers = new_user(), []
    loops = [threading.Thread(target=lambda: answers.append(run_code(user, "for (;;) {}"))) for _ in range(3)]
    began = time.monotonic()
    for loop in loops:
        loop.start()
    time.sleep(0.5)
    assert plain(run_code(other, "return [1, 2].map(n => n + 1)").custom_code.data) == [2, 3]
    assert time.monotonic() - began < 9, "it did not wait for the loops"
    for loop in loops:
        loop.join()
    errors = sorted(answer.error for answer in answers)
    assert errors == ["failed to execute script: overloaded"] + ["failed to execute script: timeout"] * 2
    assert all(not answer.success for answer in answers)
    assert plain(run_code(user, "return 'well again'").custom_code.data) == "well again"


@pytest.mark.parametrize("source", [
    "const a = []; for (;;) a.push(new Array(10000).fill(1))", "return 'x'.repeat(2 ** 30)",
    "const m = new Map(); for (let i = 0;; i++) m.set(i, {i})",
])
def test_a_memory_bomb_fails_its_step(user, source):
    """JS-4, JS-9"""
    answer = run_code(user, source)
    assert not answer.success
    assert answer.error in ("failed to execute script: out of memory", "failed to execute script: timeout",
                            "failed to execute script: RangeError: Out of memory")
    assert plain(run_code(user, "return 1").custom_code.data) == 1


def test_a_worker_that_is_killed_takes_one_step_with_it(user, aggregator):
    """JS-1, JS-9: from outside, while its script runs; and the workers have no environment and one descriptor's end"""
    answers = []
    loop = threading.Thread(target=lambda: answers.append(run_code(user, "for (;;) {}")))
    loop.start()
    time.sleep(1)
    pids = subprocess.run(["pgrep", "-P", str(aggregator.process.pid), "-f", "avs-script-worker"],
                          capture_output=True, text=True, check=True).stdout.split()
    assert pids
    inner = subprocess.run(["pgrep", "-P", ",".join(pids)], capture_output=True, text=True, check=False).stdout.split()
    for pid in pids:
        subprocess.run(["kill", "-9", pid], check=True)
    # A signal takes its time: until then an idle worker may still be given a script.
    until(lambda: not any(alive(pid) for pid in pids + inner), what="the end of the workers")
    loop.join()
    assert answers[0].error == "failed to execute script: script worker failed"
    assert plain(run_code(user, "return [1].length").custom_code.data) == 1


def test_no_worker_outlives_the_aggregator(new_aggregator, new_user):
    """JS-2: not even if it is killed"""
    aggregator = new_aggregator()
    aggregator.start()
    own = aggregator.process.pid
    tree = subprocess.run(["pgrep", "-P", str(own)], capture_output=True, text=True, check=True).stdout.split()
    inner = subprocess.run(["pgrep", "-P", ",".join(tree)], capture_output=True, text=True, check=False).stdout.split()
    assert tree
    aggregator.kill()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(alive(pid) for pid in tree + inner):
        time.sleep(0.05)
    assert not [pid for pid in tree + inner if alive(pid)]
    aggregator.start()


def alive(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return "avs-script" in (text := stat.read()) and text.rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
