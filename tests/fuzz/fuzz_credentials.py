"""Headers and tokens of any bytes at the doors: nobody comes in who should not, and nothing breaks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ai_gateway.edge.scope import begin_exchange
from fuzz.finding import Finding
from fuzz.known import CLIENT_KEYS, SIGNERS, TOKENS, Doors, shared_doors
from fuzz.verdict import Verdict, judge, secrets_of
from fuzz.wire import LONGEST_INPUT, TWISTS, WireRequest, read_request
from gateway_core.identity.model import Caller
from gateway_core.identity.service import Authenticator, HeaderGet
from gateway_core.kernel.errors import CredentialRefused, KeySetsMissing

__all__ = ["LONGEST_INPUT", "PLACEHOLDERS", "WORDS", "try_one"]

PLACEHOLDERS = tuple(word.encode() for word in sorted({*TOKENS, *CLIENT_KEYS, *SIGNERS}))
_HEADERS = (
    *(b"authorization", b"x-api-key", b"bypass-auth: true", b"x-gitlab-authentication-type: oidc", b"x-gitlab-realm"),
    *(b"x-gitlab-instance-id", b"x-gitlab-global-user-id", b"x-gitlab-duo-seat-count"),
)
WORDS = (
    *TWISTS,
    *(b"\n" + header + (b"" if b":" in header else b": ") for header in _HEADERS),
    *(b"<" + word + b">" for word in PLACEHOLDERS),
    b'<es256:{"alg":"ES256","kid":"checked"}|{"iss":"https://checked.test","aud":"gitlab-ai-gateway","exp":9999999999}>',
)

_LONGEST_REASON = 1_000

# Any: what a coroutine is sent and yields; these do neither.
Door = Callable[[HeaderGet], Coroutine[Any, Any, Caller]]


def try_one(data: bytes, *, doors: Doors | None = None) -> None:
    """Show one input to every door; raises Finding, or whatever broke."""
    opened = doors or shared_doors()
    request = read_request(data)
    _at_the_front(opened.authenticator, request)
    _at_the_operators(opened.authenticator, request)
    _without_keys(opened.without_keys, request)


def _at_the_front(authenticator: Authenticator, request: WireRequest) -> None:
    verdict = judge(request)
    # Twice: the second time an answer may be remembered.
    answers = [_ask(authenticator.authenticate, request) for _ in range(2)]
    for answer in answers:
        if isinstance(answer, KeySetsMissing):
            raise Finding("keys are said to be missing, and none is")
        _compare(answer, verdict, request=request)
    first, second = answers
    if isinstance(first, Caller) and first != second:
        raise Finding(f"asked twice, answered {first} and {second}")
    if isinstance(first, CredentialRefused) and (str(first), first.reason) != (
        str(second),
        getattr(second, "reason", ""),
    ):
        raise Finding(f"asked twice, refused by {first.reason!r} and {second!r}")


def _at_the_operators(authenticator: Authenticator, request: WireRequest) -> None:
    answer = _ask(authenticator.authenticate_operator, request)
    _compare(answer, judge(request, operator=True), request=request)


def _without_keys(authenticator: Authenticator, request: WireRequest) -> None:
    verdict = judge(request)
    answer = _ask(authenticator.authenticate, request)
    expected = verdict if verdict is Verdict.CLIENT else Verdict.NOBODY
    _compare(answer, expected, request=request)
    if verdict is Verdict.TOKEN and not isinstance(answer, KeySetsMissing):
        raise Finding(f"no key is known, and a token that may hold is refused for {answer!r}")


def _ask(door: Door, request: WireRequest) -> Caller | CredentialRefused | KeySetsMissing:
    asked = door(begin_exchange({"headers": request.headers}).header)
    try:
        asked.send(None)
    except StopIteration as done:
        caller: Caller = done.value
        return caller
    except (CredentialRefused, KeySetsMissing) as refused:
        return refused
    asked.close()
    raise Finding("the door waits for something; with keys in memory there is nothing to wait for")


def _compare(answer: Caller | Exception, verdict: Verdict, *, request: WireRequest) -> None:
    match answer:
        case Caller(kind="client") if verdict is Verdict.CLIENT:
            return
        case Caller(kind="token") if verdict in {Verdict.TOKEN, Verdict.PERHAPS}:
            return
        case CredentialRefused() if verdict in {Verdict.NOBODY, Verdict.PERHAPS}:
            _check_words(answer, request)
        case KeySetsMissing() if verdict in {Verdict.NOBODY, Verdict.PERHAPS}:
            return
        case _:
            raise Finding(f"{verdict.value}, but the answer is {answer!r}")


def _check_words(refused: CredentialRefused, request: WireRequest) -> None:
    """Hold the reason to what a log can take: one short line, and no secret in it."""
    reason = refused.reason
    if not reason.isprintable() or len(reason) > _LONGEST_REASON:
        raise Finding(f"a reason that no log should hold: {reason!r}")
    if any(secret.decode("latin-1") in reason for secret in secrets_of(request)):
        raise Finding("a reason repeats a part of a credential")
    if not str(refused).isascii():
        raise Finding(f"the caller is shown more than fixed words: {str(refused)!r}")
