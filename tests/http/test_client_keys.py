"""Keys that this gateway makes for its clients: what they open, for how long, and where they are not to be found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.gateway import RunningGateway, key_in, run_gateway, wait_for
from fakes.gitlab import FORBIDDEN, call, complete, completion, key_headers, outcome
from fakes.operator_calls import CLIENTS, Operator
from fakes.raw_client import post
from fakes.suggestions import OPENAI, new_id, v2_body
from fakes.upstream import MockUpstream

StartGateway = Callable[..., RunningGateway]

# In which every worker must know of a change.
EFFECTIVE_S = 2.0


@pytest.fixture
def operator(closed_gateway: RunningGateway) -> Operator:
    return Operator(closed_gateway)


def ways_to_show(key: str) -> tuple[Mapping[str, str], ...]:
    return key_headers(key), {"x-api-key": key}, {"Authorization": f"bearer  {key}"}, {"X-API-KEY": key}


def generate(gateway: RunningGateway, key: str) -> tuple[int, object]:
    body = completion(prompt_version=2, prompt="sort")
    return outcome(call(gateway, "/v2/code/generations", body=body, headers=key_headers(key)))


def test_the_commands_of_a_key_s_life_take_effect_while_the_gateway_runs(tmp_path: Path) -> None:
    with run_gateway(tmp_path, warm=True) as gateway:
        added = gateway.command("clients", "add", "ci", "--scopes", "complete_code", "--expires", "30d")
        first = key_in(added.stdout)
        # Alone on its line, so that a shell can take it into a variable.
        assert added.stdout == f"{first}\n"
        wait_until_answered(gateway, first, 200)

        rotated = gateway.command("clients", "rotate", "ci", "--grace", "0")
        second = key_in(rotated.stdout)
        wait_until_answered(gateway, second, 200)
        wait_until_answered(gateway, first, 401)

        listed = gateway.command("clients", "list").stdout
        assert "ci" in listed
        assert second[:12] in listed
        assert first not in listed
        assert second not in listed
        assert second[:20] not in listed

        assert gateway.command("clients", "revoke", "ci").returncode == 0
        wait_until_answered(gateway, second, 401)
        unknown = gateway.command("clients", "revoke", "nobody")
        assert unknown.returncode == 1
        assert "'nobody'" in unknown.stderr


def wait_until_answered(gateway: RunningGateway, key: str, status: int) -> None:
    """Wait, as long as a change may take, until the key is answered with this status in every place it can be put."""
    wait_for(
        lambda: complete(gateway, key_headers(key))[0] == status or None,
        what=f"the key to be answered with {status}",
        within_s=EFFECTIVE_S,
    )
    assert {complete(gateway, headers)[0] for headers in ways_to_show(key)} == {status}


def test_a_new_key_opens_within_two_seconds_wherever_it_is_put(operator: Operator) -> None:
    _, key = operator.add(usable=False)

    wait_until_answered(operator.gateway, key, 200)


def test_a_key_needs_nothing_of_what_gitlab_sends(operator: Operator) -> None:
    _, key = operator.add()

    headers = {**key_headers(key), "X-Gitlab-Realm": "moon", "X-Gitlab-Authentication-Type": "saml"}

    assert complete(operator.gateway, headers)[0] == 200


def test_scopes_limit_what_a_key_opens(operator: Operator) -> None:
    _, narrow = operator.add(scopes=["complete_code"])
    _, wide = operator.add()

    assert complete(operator.gateway, key_headers(narrow))[0] == 200
    assert generate(operator.gateway, narrow) == (403, {"detail": "Unauthorized to access code generations"})
    assert generate(operator.gateway, wide)[0] == 200


def test_models_limit_what_a_key_opens(start_gateway: StartGateway, upstream: MockUpstream) -> None:
    gateway = start_gateway(**OPENAI.settings(upstream.url))
    operator = Operator(gateway)
    status, answer = complete(gateway, key_headers(gateway.key))
    assert status == 200, answer
    default = answer["model"]["name"]
    _, fitting = operator.add(models=[default, "another-model"])
    asked = len(upstream.requests)
    _, other = operator.add(models=["the-only-model", "one-more"])

    status, answer = complete(gateway, key_headers(other))

    assert status == 403
    assert default in answer["detail"]
    assert "one-more, the-only-model" in answer["detail"]
    assert len(upstream.requests) == asked
    assert complete(gateway, key_headers(fitting))[0] == 200


def test_a_key_ends_at_its_time(operator: Operator) -> None:
    end = datetime.now(UTC) + timedelta(seconds=EFFECTIVE_S + 1)
    name, key = operator.add(expires_at=end.isoformat())
    assert complete(operator.gateway, key_headers(key))[0] == 200

    wait_for(lambda: datetime.now(UTC) > end or None, what="the end")

    assert complete(operator.gateway, key_headers(key)) == FORBIDDEN
    assert operator.client(name)["expires_at"] is not None


def test_after_a_rotation_with_grace_both_keys_open(operator: Operator) -> None:
    name, old = operator.add()

    new = operator.rotate(name, grace=3600)

    assert {complete(operator.gateway, key_headers(key))[0] for key in (old, new)} == {200}
    assert [bool(key["valid_until"]) for key in operator.client(name)["keys"]] == [True, False]


def test_after_a_rotation_without_grace_only_the_new_key_opens(operator: Operator) -> None:
    name, old = operator.add()

    new = operator.rotate(name, grace=0)

    wait_until_answered(operator.gateway, old, 401)
    assert complete(operator.gateway, key_headers(new))[0] == 200


def test_the_grace_of_an_old_key_ends(operator: Operator) -> None:
    name, old = operator.add()

    new = operator.rotate(name, grace=1)

    wait_for(lambda: complete(operator.gateway, key_headers(old)) == FORBIDDEN or None, what="the end", within_s=4)
    assert complete(operator.gateway, key_headers(new))[0] == 200


def test_a_revoked_key_opens_nothing_and_its_name_stays_taken(operator: Operator) -> None:
    name, first = operator.add()
    second = operator.rotate(name, grace=3600)

    operator.revoke(name)

    for key in (first, second):
        wait_until_answered(operator.gateway, key, 401)
    assert operator.client(name)["revoked_at"] is not None
    status, answer = operator.ask("POST", CLIENTS, {"name": name})
    assert status == 422
    assert "revoked" in answer["detail"]


def test_the_log_says_whose_key_it_was_and_what_became_of_it(operator: Operator) -> None:
    name, key = operator.add()
    operator.revoke(name)
    wait_until_answered(operator.gateway, key, 401)
    request_id = new_id()

    complete(operator.gateway, {**key_headers(key), "X-Request-ID": request_id})

    reason = str(operator.gateway.access_line(request_id)["auth_error_details"])
    assert f"'{name}'" in reason
    assert "revoked" in reason
    assert key[:12] in reason
    assert key[:13] not in reason


def test_a_revoked_key_is_refused_by_every_worker(tmp_path: Path) -> None:
    with run_gateway(tmp_path, {"WEB_CONCURRENCY": "2"}) as gateway:
        operator = Operator(gateway)
        name, key = operator.add(usable=False)
        # Each request is a connection of its own, which either worker may take.
        wait_for(lambda: {*ask_often(gateway, key)} == {200} or None, what="every worker to know the key")
        began = time.monotonic()
        operator.revoke(name)
        wait_for(lambda: time.monotonic() - began > EFFECTIVE_S or None, what="two seconds to pass")

        assert {*ask_often(gateway, key)} == {401}


def ask_often(gateway: RunningGateway, key: str) -> list[int]:
    return [post(gateway.port, "/v2/completions", v2_body(), headers=key_headers(key)).status for _ in range(30)]


def test_keys_live_on_after_a_restart_and_ended_ones_do_not(tmp_path: Path) -> None:
    with run_gateway(tmp_path, warm=True) as gateway:
        operator = Operator(gateway)
        (_, kept), (ended, gone) = operator.add(), operator.add()
        operator.revoke(ended)

    with run_gateway(tmp_path, warm=True) as gateway:
        assert complete(gateway, key_headers(kept))[0] == 200
        assert complete(gateway, key_headers(gone)) == FORBIDDEN


@pytest.mark.parametrize(
    "changed",
    [
        "{prefix}",
        "{prefix}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "{key}x",
        "{key_but_one}",
        "{swapped}",
        "{key}=",
        "{key}\t",
        "gw-",
        "GW-{rest}",
        "gw-%00",
        "gw-{long}",
        "gw-' OR 1=1 --",
    ],
)
@pytest.mark.parametrize("place", ["Authorization", "x-api-key"])
def test_a_guess_from_a_part_of_a_key_is_refused(changed: str, place: str, operator: Operator) -> None:
    key = operator.gateway.key
    parts = {"key": key, "prefix": key[:12], "key_but_one": key[:-1], "rest": key[3:], "swapped": key.swapcase()}
    guess = changed.format(**parts, long="A" * 5000)
    # White space around a header's value is no part of it.
    guess = guess.replace("\t", "\t.")
    headers = {place: f"Bearer {guess}" if place == "Authorization" else guess}

    answer = complete(operator.gateway, {**headers, "X-Gitlab-Authentication-Type": "oidc"})

    assert answer[0] == 401
    assert set(answer[1]) == {"error"}


@pytest.mark.parametrize(
    "given", ["sk-ant-api03-0123456789abcdef", "x", "", "eyJhbGciOiJub25lIn0.e30.", "Bearer {key}"]
)
def test_an_api_key_of_another_kind_is_refused_and_never_logged(given: str, operator: Operator) -> None:
    shown = given.format(key=operator.gateway.key)

    assert complete(operator.gateway, {"x-api-key": shown}) == FORBIDDEN

    assert "sk-ant-api03-0123456789abcdef" not in operator.gateway.log_text()


def test_a_bad_credential_is_not_mended_by_a_good_one_beside_it(operator: Operator) -> None:
    good = operator.gateway.key
    for headers in (
        {"Authorization": "Bearer gw-wrong", "x-api-key": good},
        {"Authorization": "Basic YTpi", "x-api-key": good},
        {"Authorization": "", "x-api-key": good},
    ):
        assert complete(operator.gateway, headers)[0] == 401


def test_keys_are_found_neither_in_the_log_nor_in_any_file_of_the_gateway(tmp_path: Path) -> None:
    with run_gateway(tmp_path, {"AIGW_LOGGING__LEVEL": "DEBUG"}, terminal=True) as gateway:
        operator = Operator(gateway, key_in(gateway.banner))
        name, first = operator.add()
        keys = [operator.key, first, operator.rotate(name, grace=3600)]
        for key in keys:
            assert complete(gateway, {"x-api-key": key})[0] == 200
            assert complete(gateway, key_headers(f"{key}x"))[0] == 401
        operator.revoke(name)
        operator.audit(subject=name)
        everything = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}

    assert any(file.name.startswith("gateway.db") for file in everything)
    # Beyond what may be shown no part of a key is anywhere.
    parts = {key[12:28].encode() for key in keys}
    assert [file for file, content in everything.items() if any(part in content for part in parts)] == []


def test_the_list_shows_how_keys_begin_and_no_more(operator: Operator) -> None:
    name, key = operator.add(role="viewer", scopes=["complete_code"], models=["m"], rpm=5, tpm=1000)

    _, answer = operator.ask("GET", CLIENTS)

    found = operator.client(name)
    assert [shown["prefix"] for shown in found["keys"]] == [key[:12]]
    assert (found["role"], found["scopes"], found["models"]) == ("viewer", ["complete_code"], ["m"])
    assert (found["rpm"], found["tpm"]) == (5, 1000)
    assert key[12:20] not in str(answer)
