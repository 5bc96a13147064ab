"""The audit: who was refused or changed something, why, in which request, and never with a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from fakes.gateway import RunningGateway, key_in, run_gateway, run_to_end
from fakes.gitlab import call, complete, key_headers, own_keys, signed_headers, trust_in
from fakes.issuer import Issuer
from fakes.operator_calls import CLIENTS, Operator, wait_until_known
from fakes.suggestions import new_id


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[RunningGateway]:
    """Give a gateway of this module alone: of each address only the first refusals of a minute are kept one by one."""
    with run_gateway(tmp_path_factory.mktemp("audit"), {**trust_in(issuer), **own_keys()}, warm=True) as running:
        yield running


@pytest.fixture
def admin(gateway: RunningGateway) -> Operator:
    return Operator(gateway)


@pytest.fixture
def request_id() -> str:
    return new_id()


def test_a_refused_credential_is_recorded_with_its_reason(admin: Operator, issuer: Issuer, *, request_id: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    headers = {**signed_headers(issuer, "complete_code", aud="other"), "X-Request-ID": request_id}
    assert complete(admin.gateway, headers)[0] == 401

    [event] = admin.audit(request_id=request_id)

    assert event["kind"] == "credential_refused"
    assert event["actor"] == ""
    assert event["subject"] == "POST /v2/completions"
    assert "AIGW_CLOUD_CONNECTOR_SERVICE_NAME" in event["reason"]
    assert event["address"] == "127.0.0.1"
    assert event["at"].endswith("Z")
    assert before < datetime.fromisoformat(event["at"]) < datetime.now(UTC) + timedelta(seconds=5)


def test_a_refused_permission_is_recorded_with_who_was_refused(
    admin: Operator, issuer: Issuer, *, request_id: str
) -> None:
    assert complete(admin.gateway, {**signed_headers(issuer, "duo_chat"), "X-Request-ID": request_id})[0] == 403

    [event] = admin.audit(request_id=request_id)

    assert (event["kind"], event["actor"], event["subject"]) == ("permission_refused", "1234", "POST /v2/completions")
    assert "complete_code" in event["reason"]


@pytest.mark.parametrize("role", [None, "viewer"])
def test_a_refusal_at_the_operator_s_door_is_recorded(role: str | None, admin: Operator, *, request_id: str) -> None:
    name, key = admin.add(usable=False, role=role)
    # Seldom enough that the looks themselves stay below what is kept of a minute.
    wait_until_known(admin.gateway, key, every_s=0.5)
    asked = {"name": "intruder", "role": "admin"}
    refused = Operator(admin.gateway, key).ask("POST", CLIENTS, asked, headers={"X-Request-ID": request_id})
    assert refused[0] == 403

    [event] = admin.audit(request_id=request_id)

    assert (event["kind"], event["actor"], event["subject"]) == ("permission_refused", name, f"POST {CLIENTS}")
    assert "admin" in event["reason"]


def test_a_nameless_refusal_is_recorded_too(admin: Operator, *, request_id: str) -> None:
    call(admin.gateway, "/v2/completions", headers={"X-Request-ID": request_id})

    [event] = admin.audit(request_id=request_id)

    assert event["kind"] == "credential_refused"


def test_each_change_of_a_client_is_recorded(admin: Operator) -> None:
    name, first = admin.add(usable=False, scopes=["complete_code"], role="viewer")
    status, rotated = admin.ask("POST", f"{CLIENTS}/{name}/rotate", {"grace": 0})
    assert status == 200
    admin.revoke(name)

    events = admin.audit(subject=name, kind="client_revoked") and admin.audit(subject=name)

    assert [event["kind"] for event in events] == ["client_revoked", "client_rotated", "client_added"]
    assert {(event["actor"], event["address"]) for event in events} == {("admin", "127.0.0.1")}
    assert all(event["request_id"] for event in events)
    assert events[-1]["details"]["role"] == "viewer"
    assert events[-1]["details"]["scopes"] == "complete_code"
    assert events[-1]["details"]["key_prefix"] == first[:12]
    assert events[-2]["details"]["key_prefix"] == rotated["key"][:12]


def test_the_first_admin_is_in_the_record(admin: Operator) -> None:
    [event] = admin.audit(subject="admin", kind="client_added")

    assert event["details"]["role"] == "admin"


def test_a_token_that_was_given_out_is_recorded(admin: Operator, issuer: Issuer, *, request_id: str) -> None:
    headers = {**signed_headers(issuer, "complete_code"), "X-Request-ID": request_id}
    answer = call(admin.gateway, "/v1/code/user_access_token", headers=headers).json()

    [event] = admin.audit(request_id=request_id)

    assert (event["kind"], event["actor"]) == ("token_issued", "1234")
    assert event["details"]["user"] == "u1"
    assert datetime.fromisoformat(event["details"]["expires_at"]).timestamp() == answer["expires_at"]
    assert answer["token"][:40] not in str(event)


def test_the_record_is_read_page_by_page(admin: Operator) -> None:
    names = [admin.add(usable=False)[0] for _ in range(5)]
    admin.audit(subject=names[-1])

    pages, before = [], ""
    while found := admin.ask("GET", f"/admin/audit?kind=client_added&limit=2{before}")[1]["events"]:
        pages.append([event["subject"] for event in found])
        before = f"&before_id={found[-1]['id']}"

    assert {len(page) for page in pages[:-1]} == {2}
    told = [name for page in pages for name in page]
    assert len(told) == len(set(told))
    assert set(names) <= set(told)


def test_nothing_of_before_is_shown_to_who_asks_for_what_is_new(admin: Operator) -> None:
    admin.add(usable=False)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")

    assert admin.ask("GET", f"/admin/audit?since={later}") == (200, {"events": []})


def test_the_command_shows_what_the_door_shows(admin: Operator) -> None:
    name, key = admin.add(usable=False)
    [event] = admin.audit(subject=name)

    ended = admin.gateway.command("audit", "list", "--json", "--subject", name)

    assert ended.returncode == 0
    [line] = ended.stdout.splitlines()
    told = json.loads(line)
    assert {member: told[member] for member in ("id", "kind", "actor", "subject", "request_id", "address")} == {
        member: event[member] for member in ("id", "kind", "actor", "subject", "request_id", "address")
    }
    assert key not in ended.stdout


def test_what_a_command_changed_is_recorded_with_the_account_that_ran_it(admin: Operator) -> None:
    ended = admin.gateway.command("clients", "add", f"by-command-{new_id()[:8]}")
    [event] = admin.audit(kind="client_added", limit="1")

    assert event["details"]["key_prefix"] == key_in(ended.stdout)[:12]
    assert event["actor"].startswith("command:")
    assert len(event["actor"]) > len("command:")


def test_the_record_and_the_log_hold_no_credential(admin: Operator, issuer: Issuer, *, request_id: str) -> None:
    name, key = admin.add(usable=False)
    token = signed_headers(issuer, "complete_code", exp=1)["Authorization"].removeprefix("Bearer ")
    secrets = [key, token, token.rpartition(".")[2], "c2VjcmV0OnNlY3JldA"]
    for shown in (f"Bearer {token}", f"Bearer {key}x", "Basic c2VjcmV0OnNlY3JldA"):
        headers = {"Authorization": shown, "X-Gitlab-Authentication-Type": "oidc", "X-Request-ID": request_id}
        assert complete(admin.gateway, headers)[0] == 401
    admin.revoke(name)
    admin.audit(kind="client_revoked", subject=name)

    told = json.dumps(admin.audit(request_id=request_id)) + json.dumps(admin.audit(subject=name))

    assert [secret for secret in secrets if secret in told or secret in admin.gateway.log_text()] == []


def test_each_event_is_a_line_of_the_log_too(admin: Operator) -> None:
    name, _ = admin.add(usable=False)
    admin.audit(subject=name)

    [line] = [line for line in admin.gateway.log_lines() if line["logger"] == "audit" and line.get("subject") == name]

    assert line["message"] == "client_added"
    assert line["level"] == "info"


def test_the_sum_of_a_flood_does_not_say_of_all_what_held_for_the_last(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("flooded")
    with run_gateway(folder, warm=True) as gateway:
        for _ in range(25):
            complete(gateway, key_headers("gw-wrong"))
        call(gateway, "/v1/models", method="GET")

    ended = run_to_end(folder, {}, "audit", "list", "--json", "--kind", "credential_refused")

    newest, *others = map(json.loads, ended.stdout.splitlines())
    assert (len(others), newest["details"]) == (20, {"repeated": "6"})
    assert newest["reason"].startswith("6 further refusals, the last: ")
    assert "header" in newest["reason"]
    assert (newest["subject"], newest["address"]) == ("", "127.0.0.1")


def test_what_was_refused_just_before_a_stop_is_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("stopped")
    request_id = new_id()
    with run_gateway(folder, warm=True) as gateway:
        complete(gateway, {**key_headers("gw-wrong"), "X-Request-ID": request_id})

    ended = run_to_end(folder, {}, "audit", "list", "--json", "--request-id", request_id)

    assert [json.loads(line)["kind"] for line in ended.stdout.splitlines()] == ["credential_refused"]
