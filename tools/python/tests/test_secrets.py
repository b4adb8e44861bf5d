"""Secrets: written by their owner, sealed in the database, and given to nobody but the owner's runs."""

import json
import random
import secrets
import subprocess

import pytest
from avs_testbed import tasks
from avs_testbed.failures import refused
from avs_testbed.processes import inspector
from avs_testbed.stubs import avs
from avs_testbed.users import User
from avs_testbed.waiting import until

INVALID = "INVALID_ARGUMENT"
LENGTH = "secret name length is invalid: should be 1-255 character"
PREFIX = "secret name cannot start with ap_"
CURSOR = ("Invalid pagination cursor. Please retry without pagination parameters or use a fresh cursor from a recent "
          "response.")


def create(user: User, name: str, value: str = "value", **scope):
    return user.call("CreateSecret", avs.CreateOrUpdateSecretReq(name=name, secret=value, **scope))


def update(user: User, name: str, value: str = "value", **scope):
    return user.call("UpdateSecret", avs.CreateOrUpdateSecretReq(name=name, secret=value, **scope))


def delete(user: User, name: str, **scope):
    return user.call("DeleteSecret", avs.DeleteSecretReq(name=name, **scope))


def listed(user: User, **fields):
    return user.call("ListSecrets", avs.ListSecretsReq(**fields))


def names(user: User, **fields) -> list[str]:
    return [item.name for item in listed(user, **fields).items]


def seen_by_a_run(user: User, web, text: str, **scoped: str) -> str | None:
    """What a run of a task sends that posts `text`, a template; none when the template stays unresolved. `scoped` are
    secrets of the task's workflow."""
    path = f"/{secrets.token_hex(8)}"
    node = tasks.rest(web.url + path, method="POST", body=text, headers={"Content-Type": "text/plain"})
    task = user.create(tasks.task(user.wallet().address, nodes=[node]))
    for name, value in scoped.items():
        create(user, name, value, workflow_id=task)
    user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True)
    sent = web.of(path)
    return sent[0]["body"] if sent else None


# Writing

def test_a_secret_is_created_for_its_owner_or_for_one_workflow(user):
    """API-10.6.1"""
    answer = create(user, "api_key", "s3cr3t")
    assert (answer.success, answer.status, answer.secret_name, answer.scope) == (True, "created", "api_key", "user")
    assert answer.message and answer.created_at > 0
    assert create(user, "api_key", workflow_id="01jg2fe5mdvkbpheg0peysdkac").scope == "workflow"
    assert create(user, "api_key", org_id="acme").scope == "org"
    assert create(user, "both", org_id="acme", workflow_id="w-1").scope == "workflow"
    assert create(user, "empty", "").status == "created"
    assert create(user, "x" * 255).status == "created"
    again = create(user, "api_key", "other")
    assert (again.success, again.status, again.created_at) == (True, "updated", answer.created_at)


@pytest.mark.parametrize("name, text", [
    ("", LENGTH), ("x" * 256, LENGTH), ("ap_x", PREFIX), ("AP_x", PREFIX), ("aP_", PREFIX),
    ("a:b", "…other characters than"), ("a b", "…other characters than"), ("é", "…other characters than"),
    ("a\0", "…other characters than"), ("a-b", "…other characters than"),
])
def test_a_name_that_is_none_is_refused(user, name, text):
    """API-10.6.1, DEFECT-19, DEFECT-20"""
    with refused(INVALID, 3000, text):
        create(user, name)
    with refused(INVALID, 3000, text):
        update(user, name)
    assert names(user) == []


@pytest.mark.parametrize("scope", [
    {"workflow_id": "a:b"}, {"workflow_id": "_"}, {"org_id": "x" * 256}, {"org_id": "_:_"}, {"workflow_id": "a\0"}])
def test_an_id_that_could_forge_a_key_is_refused(user, scope):
    """DEFECT-19"""
    with refused(INVALID, 3000, "…is invalid: wanted 1 to 255 of"):
        create(user, "name", **scope)


def test_a_value_is_bounded(user):
    """reliability-security 4.2: 64 KiB, and the refusal does not say how long the value was."""
    assert create(user, "largest", "x" * 65_536).success
    with refused("RESOURCE_EXHAUSTED", 7001, "limit reached: at most 65536 bytes per secret"):
        create(user, "larger", "x" * 65_537)


def test_secrets_are_updated_where_they_are(user):
    """API-10.6.2"""
    create(user, "key", "old")
    answer = update(user, "key", "new")
    assert (answer.success, answer.status, answer.secret_name, answer.scope) == (True, "updated", "key", "user")
    assert answer.updated_at > 0
    with refused("NOT_FOUND", 2003, "Secret not found"):
        update(user, "other")
    with refused("NOT_FOUND", 2003, "Secret not found"):
        update(user, "key", workflow_id="01jg2fe5mdvkbpheg0peysdkac")  # its scope is another
    with refused(INVALID, 3000, LENGTH):
        update(user, "")
    assert names(user) == ["key"]


# Removing

def test_removing_a_secret_leaves_the_others(user):
    """API-10.6.3"""
    for name in ("one", "two"):
        create(user, name)
    answer = delete(user, "one")
    assert (answer.success, answer.status, answer.message) == (True, "deleted", "Secret successfully deleted")
    assert answer.deleted_at > 0 and (answer.secret_name, answer.scope) == ("one", "user")
    assert names(user) == ["two"]
    for missing in ("one", "", "never_there", "a:b"):
        answer = delete(user, missing)
        assert (answer.success, answer.status, answer.message) == (True, "not_found", "Secret not found")
        assert (answer.deleted_at, answer.secret_name) == (0, missing)
    assert names(user) == ["two"]


@pytest.mark.parametrize("scope, word", [({"workflow_id": "01jg2fe5mdvkbpheg0peysdkac"}, "workflow"), ({"org_id": "acme"}, "org")])
def test_the_only_secret_of_a_name_is_removed_without_its_scope(user, scope, word):
    """API-10.6.4"""
    create(user, "key", **scope)
    answer = delete(user, "key")
    assert (answer.success, answer.status, answer.scope) == (True, "deleted", word)
    assert names(user) == [] and delete(user, "key").status == "not_found"


def test_of_several_scopes_only_the_users_own_goes_unnamed(user):
    """API-10.6.4"""
    first, second = "01jg2fe5mdvkbpheg0peysdkac", "01jg2fe5mfpg9kfnb9mrp4psn9"
    for workflow in ("", first, second):
        create(user, "key", workflow_id=workflow)
    assert delete(user, "key").scope == "user"
    assert delete(user, "key").status == "not_found"
    assert delete(user, "key", workflow_id="other").status == "not_found"
    assert delete(user, "key", workflow_id=first).scope == "workflow"
    assert delete(user, "key").scope == "workflow" and names(user) == []


def test_owners_do_not_see_each_others_secrets(new_user, web):
    """API-10.6.5"""
    first, second = new_user(), new_user()
    create(first, "mine", "of the first")
    create(first, "key", "of the first")
    create(second, "key", "of the second")
    assert names(first) == ["key", "mine"] and names(second) == ["key"]
    cursor = listed(first, limit=1).page_info.end_cursor
    assert names(second, after=cursor) == []  # a foreign cursor is a place in the own list
    assert delete(second, "mine").status == "not_found"
    with refused("NOT_FOUND", 2003):
        update(second, "mine")
    text = "{{apContext.configVars.key}}"
    assert seen_by_a_run(first, web, text) == "of the first"
    assert seen_by_a_run(second, web, text) == "of the second"


# In runs

@pytest.mark.parametrize("text", ["{{apContext.configVars.name}}", "{{apContext.configVars['name']}}"])
def test_a_run_sees_the_value(user, web, text):
    """API-10.6.6"""
    create(user, "name", "s3cr3t é")
    assert seen_by_a_run(user, web, f"<{text}>") == "<s3cr3t é>"
    update(user, "name", "other")
    assert seen_by_a_run(user, web, f"<{text}>") == "<other>"


def test_wider_scopes_win_and_others_workflows_stay_closed(new_aggregator, web):
    """API-10.6.9"""
    aggregator = new_aggregator(macros={"secrets": {"ap_server": "macro", "shared": "macro"}})
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        def see(name: str, **scoped: str) -> str:
            return seen_by_a_run(user, web, "{{apContext.configVars.%s}}" % name, **scoped)

        assert see("ap_server") == "macro" and see("shared") == "macro"
        assert see("shared", shared="workflow") == "macro"  # the workflow only fills what is free
        create(user, "shared", "user")
        assert see("shared") == "user"
        create(user, "both", "user")
        assert see("both", both="workflow") == "user"
        assert see("own", own="workflow") == "workflow"
        create(user, "foreign", "of another", workflow_id="01jg2fe5mdvkbpheg0peysdkac")
        create(user, "of_org", "of an organisation", org_id="acme")
        assert see("foreign") is None and see("of_org") is None
    assert aggregator.stop() == 0


# Listing

def test_fields_come_on_request_and_scopes_are_true(user):
    """API-10.6.7, D-20"""
    workflow = "01jg2fe5mdvkbpheg0peysdkac"
    created = create(user, "a").created_at
    create(user, "b", workflow_id=workflow)
    create(user, "c", org_id="acme")
    updated = update(user, "a").updated_at
    of_workflow, own = listed(user).items
    assert (of_workflow.name, of_workflow.scope, of_workflow.workflow_id) == ("b", "workflow", workflow)
    assert (own.name, own.scope, own.workflow_id, own.org_id) == ("a", "user", "", "")
    assert (own.created_at, own.updated_at, own.created_by, own.description) == (0, 0, "", "")
    own = listed(user, include_timestamps=True, include_created_by=True, include_description=True).items[1]
    assert (own.created_at, own.updated_at) == (created, updated)
    assert (own.created_by, own.description) == (user.address, "")


def test_pages_walk_the_list_in_both_directions(user):
    """API-10.6.8, D-20: against a plain list, with a random walk."""
    workflow, seed = "01jg2fe5mdvkbpheg0peysdkac", random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    model = []
    for index in choice.sample(range(1000), 23):
        scope = choice.choice(["", workflow, "w2"])
        create(user, f"n{index}", workflow_id=scope)
        model.append((scope or "_", f"n{index}"))
    model.sort(key=lambda row: (row[0].encode(), row[1].encode()))
    for only in ("", workflow):
        rows = [row for row in model if not only or row[0] == only]
        start, limit = 0, 4
        page = listed(user, workflow_id=only, limit=limit)
        for _ in range(30):
            got = [(item.workflow_id or "_", item.name) for item in page.items]
            assert got == rows[start:start + len(got)]
            info, limit = page.page_info, choice.randrange(1, 7)
            if choice.random() < 0.5 and info.has_next_page:
                page = listed(user, workflow_id=only, after=info.end_cursor, limit=limit)
                start += len(got)
                assert len(page.items) == min(limit, len(rows) - start) and page.page_info.has_previous_page
                assert page.page_info.has_next_page == (start + len(page.items) < len(rows))
            elif start > 0:
                page = listed(user, workflow_id=only, before=info.start_cursor, limit=limit)
                assert len(page.items) == min(limit, start) and page.page_info.has_next_page
                start -= len(page.items)
                assert page.page_info.has_previous_page == (start > 0)
    assert len(names(user)) == 23 and not listed(user).page_info.has_next_page
    assert names(user, after=listed(user).page_info.end_cursor) == []


def test_a_page_that_is_none_is_refused(user):
    """API-10.6.8"""
    create(user, "a")
    with refused(INVALID, 3000, "item per page is not valid"):
        listed(user, limit=-1)
    of_a_task = "eyJkIjoibmV4dCIsInAiOiIwMWpnMmZlNW1kdmticGhlZzBwZXlzZGthYyJ9"
    for cursor in ("%%%", "e30=", "x" * 2000, of_a_task):
        for field in ("after", "before"):
            with refused(INVALID, 3000, CURSOR):
                listed(user, **{field: cursor})
    empty = listed(user, workflow_id="other").page_info
    assert not (empty.has_next_page or empty.has_previous_page or empty.start_cursor or empty.end_cursor)


def test_every_call_needs_a_caller(user):
    """API-10.1.11"""
    for name, request in [("CreateSecret", avs.CreateOrUpdateSecretReq(name="a")), ("ListSecrets", avs.ListSecretsReq()),
                          ("UpdateSecret", avs.CreateOrUpdateSecretReq(name="a")), ("DeleteSecret", avs.DeleteSecretReq())]:
        with refused("UNAUTHENTICATED", 1000, "…User authentication error"):
            user.call(name, request, token="no.such.token")


# Nobody else

def files_with(folder, value: str) -> list[str]:
    """Every file below the folder that holds the text, as it is or as JSON would write it."""
    forms = {value.encode(), json.dumps(value)[1:-1].encode()}
    return [str(path) for path in folder.rglob("*") if path.is_file() and any(form in path.read_bytes() for form in forms)]


def test_no_value_is_in_an_answer_a_log_an_error_or_a_file(new_aggregator, web):
    """API-10.6.10, KMS-1, KMS-2, JWT-8: with everything logged, and in every file of the database, also after a restart."""
    value = "hunter2-" + secrets.token_hex(16)
    aggregator = new_aggregator(log={"level": "trace", "format": "json"})
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        answers = [create(user, "key", value), update(user, "key", value), create(user, "w", value, workflow_id="w1"),
                   create(user, "o", value, org_id="acme"), listed(user, include_timestamps=True, include_created_by=True)]
        for code, call in [(INVALID, lambda: create(user, "a:b", value)), ("NOT_FOUND", lambda: update(user, "none", value)),
                           ("RESOURCE_EXHAUSTED", lambda: create(user, "larger", value * 5_000))]:
            with refused(code) as failure:
                call()
            answers.append(failure.text)
        # A step that uses it, and one that fails with it. (What the other side sends back is the owner's own affair.)
        for url in (f"{web.url}/header", "http://127.0.0.1:1/"):
            node = tasks.rest(url, headers={"X-Key": "{{apContext.configVars.key}}"})
            task = user.create(tasks.task(user.wallet().address, nodes=[node]))
            answers.append(user.trigger(task, avs.TRIGGER_TYPE_MANUAL, blocking=True))
            answers.append(user.executions(task))
        assert web.of("/header")[-1]["headers"]["x-key"] == value
        assert value not in "".join(str(answer) for answer in answers)
    for _ in range(2):
        assert aggregator.stop() == 0
        assert files_with(aggregator.folder / "db", value) == []
        assert value not in aggregator.log.read_text()
        aggregator.start()
    assert aggregator.stop() == 0 and aggregator.findings() == []


# Root keys

def avsctl(*arguments: str) -> str:
    answer = subprocess.run([str(inspector()), *arguments], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def key_states(aggregator) -> dict[str, tuple[str, int]]:
    lines = avsctl("root-keys", "status", "--json", "--config", str(aggregator.folder / "aggregator.yaml")).splitlines()
    return {row["id"]: (row["state"], row["secrets"]) for row in map(json.loads, lines)}


@pytest.mark.skipif(inspector() is None, reason="avsctl is not built")
def test_root_keys_are_rotated_while_the_service_runs(new_aggregator, web):
    """KMS-3: calls go on, every secret comes under the new key, and the old one is not needed any more."""
    aggregator = new_aggregator()
    configuration = ("--config", str(aggregator.folder / "aggregator.yaml"))
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        for index in range(300):
            create(user, f"n{index}", f"value {index}", workflow_id=f"w{index % 3}" if index % 4 else "")
        old, = key_states(aggregator)
        assert key_states(aggregator) == {old: ("current", 300)}
        new = avsctl("root-keys", "rotate", *configuration).strip()
        create(user, "meanwhile", "value")
        until(lambda: key_states(aggregator) == {new: ("current", 301), old: ("old", 0)}, what="the pass")
        update(user, "n0", "changed")
        refusal = subprocess.run([str(inspector()), "root-keys", "retire", new, *configuration], capture_output=True, text=True)
        assert refusal.returncode == 1 and "still sealed" in refusal.stderr
        avsctl("root-keys", "retire", old, *configuration)
        assert seen_by_a_run(user, web, "{{apContext.configVars.n0}}") == "changed"
    aggregator.kill()
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel, user.account).sign_in()
        assert seen_by_a_run(user, web, "{{apContext.configVars.n4}}") == "value 4"
        assert key_states(aggregator) == {new: ("current", 301)}
    assert aggregator.stop() == 0 and aggregator.findings() == []


def test_a_root_key_that_disappears_is_kept(new_aggregator, web):
    """KMS-3: a running service goes on with the key it has, and never makes another in its place."""
    aggregator = new_aggregator()
    aggregator.start()
    path = aggregator.folder / "keys" / "root_key"
    content = path.read_bytes()
    path.unlink()
    until(lambda: "root keys cannot be read" in aggregator.log.read_text(), what="the look at the keys")
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        create(user, "key", "value")
        assert seen_by_a_run(user, web, "{{apContext.configVars.key}}") == "value"
        assert not path.exists()
    path.write_bytes(content)
    path.chmod(0o600)
    assert aggregator.stop() == 0
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel, user.account).sign_in()
        assert seen_by_a_run(user, web, "{{apContext.configVars.key}}") == "value"
    assert aggregator.stop() == 0


def test_a_service_without_a_root_key_says_so(new_aggregator, web):
    """KMS-2: it starts, and what needs the key fails with a clear text."""
    aggregator = new_aggregator(jwt_secret="0123456789abcdef" * 4)
    path = aggregator.folder / "aggregator.yaml"
    configuration = json.loads(path.read_text())
    del configuration["keys_dir"]
    path.write_text(json.dumps(configuration))
    aggregator.start()
    with aggregator.channel() as channel:
        user = User(channel).sign_in()
        with refused("FAILED_PRECONDITION", 6000, "secrets are unavailable: the service has no root key"):
            create(user, "key", "hunter2")
        assert names(user) == [] and delete(user, "key").status == "not_found"
        assert seen_by_a_run(user, web, "no secret in it") == "no secret in it"
    assert aggregator.stop() == 0
