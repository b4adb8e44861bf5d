"""The command behind tools/test-crash."""

import argparse
import json
import random
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

DESCRIPTION = """\
Kills the aggregator with SIGKILL while it works, starts it again on the same data, and compares what it has
acknowledged with what is there in the end.

intake   two operators report every occurrence of several block tasks, each until it has an answer; meanwhile the
         aggregator is killed again and again, after a random number of answers. In the end every occurrence has
         exactly one execution, every execution has ended, its indexes have no gap, and each task is counted under
         one status. After each kill `avsctl store check` reads the whole database, where avsctl is built.

api      four owners create, switch, cancel, delete and trigger tasks, keep secrets and wallets and repeat calls by their
         idempotency keys; the aggregator is killed 2 ms to 0.8 s after they begin, again and again, and some of its
         starts are killed too. Each owner remembers what was acknowledged: after each start all of it is there, in every
         list and every count, and nothing else. A change whose answer never came is there whole or not at all. After
         each kill `avsctl store check` reads the whole database, where avsctl is built.

engine   tasks whose graphs ask a web server, compute, have an effect and ask again are started over and over, ten runs for
         each kill; the aggregator is killed in the middle of its runs, and script workers are too. In the end every
         accepted run has exactly one record, with all its steps. No effect was tried twice: where nobody knows whether
         it came about, its step says so. What a run had recorded before its effect was not asked again after it.

When something does not hold, the folder stays, with the database, the log, every call and what came of it
(history.jsonl), the seed and the commit (failure.json), and a program `replay` that runs the same again.

The program is .build/debug/avs-aggregator, or what the environment variable AVS_AGGREGATOR names.
Exit status: 0 when everything holds, 1 when something does not.
"""


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "tools/test-crash", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=["intake", "api", "engine"])
    parser.add_argument("--cycles", type=int, default=20, metavar="N", help="how often to kill (1 to 10000; 20)")
    parser.add_argument("--seed", type=int, help="repeats the random moments of an earlier run")
    parser.add_argument("--keep", action="store_true", help="keep the folder also when everything holds")
    arguments = parser.parse_args()
    if not 1 <= arguments.cycles <= 10_000:
        parser.error(f"--cycles is {arguments.cycles}, wanted 1 to 10000")
    return arguments


def keep_failure(folder: Path, arguments: argparse.Namespace, seed: int, problems: list[str]) -> None:
    """Writes down what makes the failure happen again (TST-10)."""
    from .processes import program
    from .stubs import ROOT

    command = [str(ROOT / "tools" / "test-crash"), arguments.scenario, "--cycles", str(arguments.cycles), "--seed",
               str(seed)]
    revision = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True)
    commit = revision.stdout.strip() or "unknown"
    facts = {"scenario": arguments.scenario, "cycles": arguments.cycles, "seed": seed, "commit": commit,
             "program": str(program()), "problems": problems, "command": command}
    (folder / "failure.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    replay = folder / "replay"
    replay.write_text(
        f"#!/bin/sh\n# Failed at commit {commit}.\n"
        f"AVS_AGGREGATOR={shlex.quote(str(program()))} exec {shlex.join(command)}\n", encoding="utf-8")
    replay.chmod(0o755)
    print(f"test-crash: all of it is in {folder}; run {replay} to see it again", file=sys.stderr)


def main() -> int:
    arguments = parsed()
    # Only now, for these bring gRPC and web3 along, and make stubs.
    from .api_crash import ApiCrash
    from .engine_crash import EngineCrash
    from .history import History
    from .intake_crash import IntakeCrash
    from .operators import operator_account
    from .processes import Aggregator, Chain

    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="avs-crash-"))
    print(f"test-crash: seed {seed}, data in {folder}", file=sys.stderr)
    chain = Chain()
    scenario = {"intake": IntakeCrash, "api": ApiCrash, "engine": EngineCrash}[arguments.scenario]
    aggregator = Aggregator(
        folder, chain, [operator_account(0).address, operator_account(1).address], scenario.SETTINGS)
    aggregator.history = History(folder / "history.jsonl")
    problems = ["it was interrupted"]
    try:
        report = scenario(aggregator, arguments.cycles, seed).run()
        print(report)
        problems = report.problems
        return 0 if report.is_clean else 1
    except Exception as error:
        problems = [f"{type(error).__name__}: {error}"]
        raise
    finally:
        if aggregator.is_running:
            aggregator.kill()
        chain.stop()
        if problems:
            keep_failure(folder, arguments, seed, problems)
        elif not arguments.keep:
            aggregator.remove()


if __name__ == "__main__":
    sys.exit(main())
