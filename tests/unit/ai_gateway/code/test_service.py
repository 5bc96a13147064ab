"""From an editor's request to the text to insert: what is answered, noted, counted and logged."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest
from structlog.typing import EventDict

from ai_gateway.code.model import AnsweredBy, TokensSpent
from fakes.provider import Hold
from gateway_core.inference.events import Finished, Started, TextDelta, Usage
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.errors import RequestInvalid, UpstreamCut, UpstreamFailure, UpstreamRateLimited
from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.context import RequestFacts, use_facts
from unit.ai_gateway.code.code_parts import CLAUDE, CodeParts, Kind, a_request, build_code, script_of

KINDS: tuple[Kind, ...] = ("completion", "generation")
FENCED = "```py\nmy\\_name\n```"


@pytest.fixture
def facts() -> RequestFacts:
    """Give the facts of the request in hand; each test makes them its own."""
    return RequestFacts(client_type="vscode")


async def collected(texts: AsyncGenerator[str]) -> list[str]:
    """Read a stream to its end."""
    async with aclosing(texts) as pieces:
        return [piece async for piece in pieces]


def count_of(parts: CodeParts, name: str, **labels: str) -> float | None:
    """Read one sample."""
    return parts.registry.get_sample_value(name, labels)


async def test_a_suggestion_says_who_wrote_it_and_for_what_language() -> None:
    suggestion = await build_code(script_of("return ", "a + b")).code.suggest(a_request())

    assert suggestion.text == "return a + b"
    assert suggestion.model == AnsweredBy("anthropic", CLAUDE, "python")


@pytest.mark.parametrize(
    ("kind", "model", "text"),
    [
        ("generation", "", FENCED),
        ("completion", "", "my\\_name\n"),
        ("generation", "gpt", "\nmy\\_name\n"),
        ("generation", "mixtral", "\nmy_name\n"),
        ("completion", "codestral", "my\\_name\n"),
        ("completion", "mixtral", "my_name\n"),
        ("completion", "qwen2.5-coder", FENCED),
    ],
)
async def test_an_answer_is_repaired_by_its_engine_its_family_and_how_it_was_asked(
    kind: Kind, model: str, text: str
) -> None:
    parts = build_code(script_of(FENCED))

    suggestion = await parts.code.suggest(a_request(model, kind=kind, prefix="# name"))

    assert suggestion.text == text


async def test_tokens_are_those_of_the_provider_and_of_the_other_files() -> None:
    parts = build_code(script_of("x", usage=Usage(40, 2)))
    request = a_request("codellama", prefix="p" * 16_000, context=("c" * 9_000,))

    suggestion = await parts.code.suggest(request)

    # 15 872 tokens are left of the window; what prefix and suffix do not need goes to other files, but 30 % at most.
    assert suggestion.tokens == TokensSpent(Usage(40, 2), context_sent=9_000, context_used=15_872 - 14_761 - 1)


async def test_no_tokens_are_told_when_the_provider_told_none() -> None:
    suggestion = await build_code(script_of("x")).code.suggest(a_request())

    assert suggestion.tokens is None


async def test_a_whole_answer_is_never_asked_for_as_a_stream() -> None:
    parts = build_code(script_of("x"))

    await parts.code.suggest(a_request())

    assert not parts.sent.stream


async def test_a_stream_gives_the_pieces_as_they_come_without_repairs() -> None:
    parts = build_code(script_of("```py\n", "", "x\\_y", "\n```"))

    stream = await parts.code.stream(a_request("mixtral", kind="generation"))

    assert await collected(stream.texts()) == ["```py\n", "", "x\\_y", "\n```"]
    assert stream.model == AnsweredBy("litellm", "mixtral", "python")
    assert parts.sent.stream
    assert parts.provider.running == 0


async def test_a_model_is_asked_for_a_whole_answer_when_streaming_upstream_is_off() -> None:
    parts = build_code(script_of("all at once"), stream_upstream=False)

    stream = await parts.code.stream(a_request())

    assert await collected(stream.texts()) == ["all at once"]
    assert not parts.sent.stream


async def test_a_stream_that_is_closed_early_ends_its_call() -> None:
    parts = build_code([Started("1", "m"), TextDelta("a"), Hold(), TextDelta("b"), Finished("stop")])
    stream = await parts.code.stream(a_request())

    texts = stream.texts()
    assert await anext(texts) == "a"
    assert parts.provider.running == 1
    await texts.aclose()

    assert parts.provider.running == 0


async def test_a_stream_that_nobody_reads_ends_its_call_when_it_is_closed() -> None:
    parts = build_code([Started("1", "m"), TextDelta("a"), Hold()])
    stream = await parts.code.stream(a_request())

    await stream.aclose()

    assert parts.provider.running == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_the_access_line_tells_what_was_asked_and_who_answered(kind: Kind, facts: RequestFacts) -> None:
    use_facts(facts)
    parts = build_code(script_of(" x = 1\n"))

    await parts.code.suggest(a_request(kind=kind, prefix=" ab ", suffix="\n", language_identifier="python"))

    assert facts.access == {
        "lang": "python",
        "editor_lang": "python",
        "prompt_length": 5,
        "prompt_length_stripped": 2,
        "model_engine": "anthropic",
        "model_name": CLAUDE,
        "inference_duration_s": 0.0,
        "model_output_length": 7,
        "model_output_length_stripped": 5,
        "post_processing_duration_s": 0.0,
        "discarded": False,
    }


async def test_the_access_line_tells_how_long_the_model_took(facts: RequestFacts) -> None:
    use_facts(facts)
    parts = build_code([])
    parts.provider.script = [*script_of("x"), lambda: parts.clock.advance(1.5)]

    await parts.code.suggest(a_request())

    assert facts.access["inference_duration_s"] == 1.5


@pytest.mark.parametrize(("answer", "discarded"), [("```\n```", True), (" \n", True), ("", False), ("x", False)])
async def test_an_answer_is_discarded_when_repairs_leave_nothing_of_it(
    answer: str, *, discarded: bool, facts: RequestFacts
) -> None:
    use_facts(facts)

    await build_code(script_of(answer)).code.suggest(a_request())

    assert facts.access["discarded"] is discarded


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (UpstreamRateLimited("slow down", provider="anthropic", model=CLAUDE, upstream_status=429), 429),
        (UpstreamCut("it ended", provider="anthropic", model=CLAUDE), None),
    ],
)
async def test_the_access_line_tells_why_a_model_failed(
    failure: UpstreamFailure, status: int | None, facts: RequestFacts
) -> None:
    use_facts(facts)
    parts = build_code([Started("1", "m"), failure])

    with pytest.raises(type(failure)):
        await parts.code.suggest(a_request())

    assert facts.access["model_exception_message"] == str(failure)
    assert facts.access["model_exception_status_code"] == status
    assert facts.access["model_engine"] == "anthropic"
    assert "model_output_length" not in facts.access


async def test_the_access_line_tells_why_a_stream_broke(facts: RequestFacts) -> None:
    use_facts(facts)
    parts = build_code([Started("1", "m"), TextDelta("a"), UpstreamCut("it ended", provider="anthropic")])
    stream = await parts.code.stream(a_request())

    with pytest.raises(UpstreamCut):
        await collected(stream.texts())

    assert facts.access["model_exception_message"] == "anthropic (no model named): it ended"
    assert parts.provider.running == 0


async def test_a_stream_that_fails_before_its_first_event_is_refused_while_there_is_no_answer_yet(
    facts: RequestFacts,
) -> None:
    use_facts(facts)
    parts = build_code([UpstreamRateLimited("slow down", provider="anthropic", upstream_status=429)])

    with pytest.raises(UpstreamRateLimited):
        await parts.code.stream(a_request())

    assert facts.access["model_exception_status_code"] == 429


async def test_what_routing_refuses_is_no_failure_of_a_model(facts: RequestFacts) -> None:
    use_facts(facts)
    parts = build_code(script_of("x"))
    nowhere = replace(a_request(), wish=ModelWish("code_completions", "litellm", "gpt", api_key=Secret("k" * 9)))

    with pytest.raises(RequestInvalid):
        await parts.code.suggest(nowhere)

    assert "model_exception_message" not in facts.access
    assert parts.provider.calls == []


async def test_a_request_outside_of_any_is_noted_nowhere() -> None:
    suggestion = await build_code(script_of("x")).code.suggest(a_request())

    assert suggestion.text == "x"


@pytest.mark.parametrize(
    ("file_name", "editor_id", "labels"),
    [
        ("a.py", "python", {"lang": "python", "extension": "py", "editor_lang": "python"}),
        ("a.test.TS", "", {"lang": "unknown", "extension": "TS", "editor_lang": "unknown"}),
        ("Makefile", "makefile", {"lang": "unknown", "extension": "unknown", "editor_lang": "makefile"}),
        ("a.\u6f22", "x" * 65, {"lang": "unknown", "extension": "unknown", "editor_lang": "unknown"}),
    ],
)
async def test_suggestions_are_counted_by_language(file_name: str, editor_id: str, labels: dict[str, str]) -> None:
    parts = build_code(script_of("x"))

    await parts.code.suggest(a_request(file_name=file_name, language_identifier=editor_id))

    assert count_of(parts, "code_suggestions_prompt_language_total", **labels) == 1


async def test_streams_are_counted_by_language_too() -> None:
    parts = build_code(script_of("x"))

    await collected((await parts.code.stream(a_request())).texts())

    labels = {"lang": "python", "extension": "py", "editor_lang": "unknown"}
    assert count_of(parts, "code_suggestions_prompt_language_total", **labels) == 1


async def test_the_time_of_repairs_is_counted_by_model() -> None:
    parts = build_code(script_of("x"))

    await parts.code.suggest(a_request("codestral"))
    await parts.code.suggest(a_request("codestral"))

    labels = {"model_engine": "litellm", "model_name": "codestral"}
    assert count_of(parts, "code_suggestions_post_processing_duration_seconds_count", **labels) == 2


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("completion", ["code completion input:", "code completion suggestion:"]),
        ("generation", ["code creation input:", "code creation suggestion:"]),
    ],
)
async def test_data_is_logged_when_it_is_allowed(kind: Kind, lines: list[str], logged: list[EventDict]) -> None:
    parts = build_code(script_of("\nSUGGESTED"), log_data=True)
    request = replace(
        a_request("gpt", kind=kind, prefix="ABOVE\n", suffix="BELOW", context=("OTHER",)),
        instruction="WANTED",
    )

    await parts.code.suggest(replace(request, wish=replace(request.wish, api_key=Secret("a secret key"))))

    told, suggested = (line for line in logged if line["logger_name"] == "requests")
    assert [told["event"], suggested["event"]] == lines
    assert told["content_above_cursor"] == "ABOVE\n"
    assert told["content_below_cursor"] == "BELOW"
    assert told["instruction"] == "WANTED"
    assert told["context"] == ("OTHER",)
    assert told["api_key"] == "**********"
    assert suggested["suggestion"] == "\nSUGGESTED"
    assert "a secret key" not in repr(logged)


async def test_a_call_without_a_key_is_logged_without_one(logged: list[EventDict]) -> None:
    await build_code(script_of("x"), log_data=True).code.suggest(a_request())

    assert [line["api_key"] for line in logged if line["logger_name"] == "requests"] == [None, None]


@pytest.mark.parametrize("kind", KINDS)
async def test_no_data_is_logged_when_it_is_not_allowed(kind: Kind, logged: list[EventDict]) -> None:
    parts = build_code(script_of("SUGGESTED"))
    request = a_request(kind=kind, prefix="ABOVE", suffix="BELOW", context=("OTHER",))

    await parts.code.suggest(replace(request, instruction="WANTED"))
    await collected((await parts.code.stream(request)).texts())

    assert [word for word in ("ABOVE", "BELOW", "OTHER", "WANTED", "SUGGESTED") if word in repr(logged)] == []


async def test_data_is_logged_for_an_instance_that_asked_for_it(facts: RequestFacts, logged: list[EventDict]) -> None:
    facts.verbose_logs = True
    use_facts(facts)

    await build_code(script_of("x")).code.suggest(a_request(prefix="ABOVE"))

    assert "ABOVE" in repr(logged)
