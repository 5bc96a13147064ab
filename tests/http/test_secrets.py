"""Nothing secret is ever written down: no key of any kind, no prompt, no answer."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes.gateway import RunningGateway, run_gateway
from fakes.raw_client import Answer, connected, post, render_post
from fakes.suggestions import OPENAI as OPENAI_CHAT
from fakes.suggestions import (
    STREAMS,
    WAYS,
    Brought,
    Door,
    failure_line,
    new_id,
    open_door,
    request_in,
    text_in,
    v2_body,
    wait_until_idle,
)
from fakes.upstream import MockUpstream, Reply

StartGateway = Callable[..., RunningGateway]

ANTHROPIC = "sk-ant-api03-Zq8vN2mK4pL6wR1tY7uI9oP3aS5dF0gH"
OPENAI = "sk-proj-Xc4Vb6Nm8Qw1Er3Ty5Ui7Op9As2Df4Gh6Jk8"
FIREWORKS = "fw_3ZkT9xQv7LmN2pRs5WyB8dHc"
MISTRAL = "mIsTrAl8Kd73jfLw92mXpQ5vTz"
# Without any form that could give it away.
BROUGHT = "correct.horse.battery.staple"
SESSION = "session-cookie-9f8e7d6c5b4a"
PASSWORD = "pa55-in-the-address"
HEADER = "tenant-secret-header-42"
UNKNOWN = "plain-token-of-nobody-77"

PROMPT = "prompt_marker_7f3a9"
ANSWER = "answer_marker_c41d8"

SETTINGS = {
    "ANTHROPIC_API_KEY": ANTHROPIC,
    "OPENAI_API_KEY": OPENAI,
    "AIGW_MODEL_KEYS__FIREWORKS_API_KEY": FIREWORKS,
    "AIGW_MODEL_KEYS__MISTRAL_API_KEY": MISTRAL,
    "AIGW_CUSTOM_MODELS__ENABLED": "true",
    "AIGW_CUSTOM_MODELS__EXTRA_HEADERS": json.dumps({"x-tenant-key": HEADER}),
    "AIGW_AUTH__BYPASS_JWT_SIGNATURE": "true",
    # Everything that can be logged is.
    "AIGW_LOGGING__LEVEL": "DEBUG",
}


def write_token(**claims: object) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"signed by nobody"))


TOKEN = write_token(
    iss="http://gitlab.test", aud="gitlab-ai-gateway", sub="i", scopes=["complete_code"], exp=time.time() + 3600
)
EXPIRED = write_token(iss="http://gitlab.test", aud="gitlab-ai-gateway", sub="i", scopes=[], exp=1)
SECRETS = (ANTHROPIC, OPENAI, FIREWORKS, MISTRAL, BROUGHT, SESSION, PASSWORD, HEADER, UNKNOWN, TOKEN, EXPIRED)

FAULTS = {
    "a good answer": Reply(text=ANSWER),
    "a rate limit": Reply(status=429),
    "a failure": Reply(status=500),
    "a web page": Reply.html(502),
    "half a JSON": Reply(text=ANSWER, truncate_json=True),
    "a cut": Reply(text=ANSWER, cut_after=1),
    "no head": Reply(cut_before_head=True),
}


@dataclass
class Story:
    """A gateway that has lived through everything below, and all that it said meanwhile."""

    gateway: RunningGateway
    answers: list[Answer] = field(default_factory=list)

    def said(self) -> str:
        """Give every byte that left the gateway, in the forms in which a secret could stand there."""
        answered = "".join(f"{answer.headers} {answer.body!r}" for answer in self.answers)
        stderr = (self.gateway.folder / "stderr.txt").read_text()
        return f"{self.gateway.banner}\n{stderr}\n{self.gateway.log_text()}\n{answered}"


def tell_key_faults(story: Story, upstream: MockUpstream) -> None:
    """Let every provider fail in every way, and quote its key in its refusals."""
    brought = Brought(f"{upstream.url}/v1", BROUGHT)
    with_password = Brought(f"http://user:{PASSWORD}@127.0.0.1:{upstream.port}/v1", BROUGHT)
    doors = [Door(story.gateway, way, model) for way in WAYS for model in (None, brought, with_password)]
    for reply in FAULTS.values():
        upstream.always(reply)
        story.answers += [door.ask(prefix=PROMPT) for door in doors]
    for key in (ANTHROPIC, OPENAI, BROUGHT):
        upstream.always(Reply(status=401, error={"message": f"Incorrect API key provided: {key}. Look it up."}))
        story.answers += [door.ask() for door in doors]
        upstream.always(Reply(status=400, body=f"<pre>authorization: Bearer {key}</pre>".encode()))
        story.answers += [door.ask() for door in doors]


def tell_refused_callers(story: Story) -> None:
    """Come with credentials that are refused, in every place where one can be put."""
    oidc = {"x-gitlab-authentication-type": "oidc"}
    client_key = story.gateway.key
    for authorization in (
        f"Bearer {TOKEN}",
        f"Bearer {EXPIRED}",
        f"Bearer {UNKNOWN}",
        f"Token {UNKNOWN}",
        UNKNOWN,
        f"Basic {UNKNOWN}",
        f"Bearer {client_key}x",
        f"Bearer {client_key} {UNKNOWN}",
    ):
        for extra in ({}, oidc):
            headers = {"authorization": authorization, "cookie": f"s={SESSION}", "x-api-key": UNKNOWN, **extra}
            story.answers.append(post(story.gateway.port, "/v2/completions", v2_body(), headers=headers))
    good = {"authorization": f"Bearer {client_key}", "cookie": f"s={SESSION}"}
    for path in (f"/v1/nope?token={UNKNOWN}", f"/v2/completions?api_key={UNKNOWN}&key={UNKNOWN}"):
        story.answers.append(post(story.gateway.port, path, v2_body(), headers=good))


def tell_bad_bodies(story: Story) -> None:
    """Send bodies that do not fit, each with a key and a prompt inside."""
    headers = {"authorization": f"Bearer {story.gateway.key}"}
    _, body = request_in("v2 whole", Brought("http://127.0.0.1:9/v1", BROUGHT), prefix=PROMPT)
    file = {"file_name": PROMPT, "content_above_cursor": PROMPT}
    for changed in (
        {**body, "model_endpoint": 7},
        {**body, "model_api_key": [BROUGHT]},
        {**body, "model_name": "nope"},
        {**body, "current_file": file},
        {**body, "current_file": PROMPT},
        {**body, "model_identifier": f"bedrock/{PROMPT}"},
    ):
        story.answers.append(post(story.gateway.port, "/v2/completions", changed, headers=headers))
    whole = json.dumps(body).encode()
    for raw in (whole[:-5], whole + PROMPT.encode(), whole.replace(b'"', b"'")):
        story.answers.append(post(story.gateway.port, "/v2/completions", raw, headers=headers))
    # No answer comes of it, but a line in the log.
    with connected(story.gateway.port) as call:
        call.send(render_post("/v2/completions", whole, headers=headers)[:-5])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with MockUpstream() as upstream:
        addresses = {
            "ANTHROPIC_BASE_URL": upstream.url,
            "OPENAI_BASE_URL": f"{upstream.url}/v1",
            "AIGW_FIREWORKS_API_BASE_URL": f"{upstream.url}/v1",
        }
        with run_gateway(tmp_path_factory.mktemp("secrets"), {**SETTINGS, **addresses}) as gateway:
            told = Story(gateway)
            tell_key_faults(told, upstream)
            tell_refused_callers(told)
            tell_bad_bodies(told)
            wait_until_idle(gateway)
            used = " ".join(f"{seen.headers}" for seen in upstream.requests)
            assert ANTHROPIC in used
            assert BROUGHT in used
            assert HEADER in used
            yield told


def test_the_story_has_every_kind_of_answer(story: Story) -> None:
    assert {answer.status for answer in story.answers} >= {200, 401, 404, 422, 429, 503}
    assert {str(line["level"]) for line in story.gateway.log_lines()} >= {"info", "warning"}


@pytest.mark.parametrize("secret", SECRETS)
def test_no_key_is_ever_said(secret: str, story: Story) -> None:
    found = story.said().find(secret)

    assert found < 0, story.said()[max(0, found - 300) : found + 300]


def test_the_client_key_is_never_said(story: Story) -> None:
    assert story.gateway.key.startswith("gw-")
    assert story.gateway.key not in story.said()


def test_no_prompt_and_no_answer_is_ever_logged(story: Story) -> None:
    log = story.gateway.log_text()
    for marker in (PROMPT, ANSWER):
        found = log.find(marker)
        assert found < 0, log[max(0, found - 300) : found + 300]


def test_no_refusal_of_a_body_repeats_what_was_in_it(story: Story) -> None:
    refused = [answer for answer in story.answers if answer.status == 422]

    assert refused
    assert [answer for answer in refused if BROUGHT in f"{answer.headers}{answer.body!r}"] == []


def test_a_prompt_that_a_failing_upstream_quotes_is_not_logged(
    start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    door = open_door(start_gateway, OPENAI_CHAT, way="v2 whole", upstream=upstream.url)
    quoted = f"Invalid value for 'messages[1].content': {PROMPT}"
    for reply in (
        Reply(status=400, error={"message": quoted}),
        Reply(status=500, body=quoted.encode(), content_type="text/plain"),
        Reply(body=quoted.encode()),
    ):
        upstream.always(reply)
        request_id = new_id()
        assert door.ask(request_id, prefix=PROMPT).status == 503
        failure_line(door.gateway, request_id)

    assert PROMPT not in door.gateway.log_text()


@pytest.mark.parametrize("way", STREAMS[:1])
def test_a_prompt_is_not_logged_when_the_client_leaves(
    way: str, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    door = open_door(start_gateway, OPENAI_CHAT, way="v2 stream", upstream=upstream.url)
    upstream.always(Reply(chunks=(ANSWER, "more"), hold_after=1))
    request_id = new_id()
    with door.asking(request_id, prefix=PROMPT + way) as call:
        call.wait_for_text(ANSWER)
        call.leave()

    door.gateway.access_line(request_id)

    assert PROMPT + way not in door.gateway.log_text()
    assert ANSWER not in door.gateway.log_text()


def test_prompts_and_answers_are_logged_when_that_is_on_but_keys_never(tmp_path: Path, upstream: MockUpstream) -> None:
    upstream.always(Reply(text=ANSWER))
    settings = {"AIGW_CUSTOM_MODELS__ENABLED": "true", "AIGW_LOGGING__ENABLE_REQUEST_LOGGING": "true"}
    with run_gateway(tmp_path, settings) as gateway:
        door = Door(gateway, "v2 whole", Brought(f"{upstream.url}/v1", BROUGHT))
        request_id = new_id()

        answer = door.ask(request_id, prefix=PROMPT)

        assert text_in("v2 whole", answer) == ANSWER
        gateway.access_line(request_id)
        log = gateway.log_text()
        assert PROMPT in log
        assert ANSWER in log
        assert BROUGHT not in log
        assert gateway.key not in log


def test_a_key_in_a_refused_body_is_not_said_even_when_bodies_are_logged(tmp_path: Path) -> None:
    settings = {"AIGW_CUSTOM_MODELS__ENABLED": "true", "AIGW_LOGGING__ENABLE_REQUEST_LOGGING": "true"}
    with run_gateway(tmp_path, settings) as gateway:
        headers = {"authorization": f"Bearer {gateway.key}"}
        for wrong in ([BROUGHT], {"key": BROUGHT}):
            body = v2_body(model_provider="litellm", model_name="codegemma", model_api_key=wrong)
            assert post(gateway.port, "/v2/completions", body, headers=headers).status == 422
        _, body = request_in("v2 whole", Brought("http://127.0.0.1:9/v1", BROUGHT))
        del body["current_file"]
        answer = post(gateway.port, "/v2/completions", body, headers=headers)

        assert answer.status == 422
        assert BROUGHT not in gateway.log_text()
