"""What a new client may be: each refusal names the cause and the cure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

from gateway_core.identity.model import ROLES, Budget, Client, Role
from gateway_core.identity.unit_primitives import UNIT_PRIMITIVES
from gateway_core.kernel.errors import RequestInvalid

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_MODEL = re.compile(r"[\x21-\x7e]{1,200}")
_MOST_MODELS = 200
_MOST_REQUESTS = 1_000_000_000
_MOST_TOKENS = 1_000_000_000_000
_MOST_MICRO_USD = 1_000_000_000 * 1_000_000
_QUOTED = 80
# A day in any zone before the last that a calendar shows: what is stored must be readable in UTC.
_LATEST = datetime(9998, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client as somebody asks for it; see `Client` for what empty values mean."""

    name: str
    role: str | None = None
    scopes: Collection[str] = ()
    models: Collection[str] = ()
    budget: Budget | None = None
    rpm: int | None = None
    tpm: int | None = None
    expires_at: datetime | None = None


def check_new_client(asked: NewClient, client_id: str, *, now: datetime) -> Client:
    """Give the client that was asked for; raises RequestInvalid for the first thing that cannot be."""
    _check_name(asked.name)
    _check_models(asked.models)
    _check_limits(asked)
    if asked.expires_at is not None and asked.expires_at > _LATEST:
        message = "The client would expire after the year 9998; give an earlier time, or none for no end."
        raise RequestInvalid(message)
    if asked.expires_at is not None and asked.expires_at <= now:
        message = f"The client would expire at {show_time(asked.expires_at)}, which is past; give a later time."
        raise RequestInvalid(message)
    return Client(
        id=client_id,
        name=asked.name,
        created_at=now,
        role=_known_role(asked.role),
        scopes=_known_scopes(asked.scopes),
        models=frozenset(asked.models),
        budget=asked.budget,
        rpm=asked.rpm,
        tpm=asked.tpm,
        expires_at=asked.expires_at,
    )


def show_time(moment: datetime) -> str:
    """Write a time for people, to the second where that matters: `2026-12-31 00:00 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment.second else f"{moment:%Y-%m-%d %H:%M} UTC"


def meant(word: str, known: Iterable[str]) -> str:
    """End a sentence by asking whether the most similar known word was meant; with a full stop when none is similar."""
    nearest = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else "."


def not_enforced(asked: NewClient | Client) -> list[str]:
    """Name the limits that were given and have no effect in this version: they are kept alone."""
    given = {"budget": asked.budget, "rpm": asked.rpm, "tpm": asked.tpm}
    return [name for name, value in given.items() if value is not None]


def cut(text: str) -> str:
    """Quote what was given, at a length that fits on a line."""
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name):
        return
    message = (
        f"The name {cut(name)} cannot be a client's; take 1 to 63 lower-case letters, digits, dots, "
        "underscores and hyphens, a letter or digit first, such as 'ci' or 'team-a'."
    )
    raise RequestInvalid(message)


def _known_role(role: str | None) -> Role | None:
    for known in ROLES:
        if role == known:
            return known
    if role is None:
        return None
    message = f"There is no role {cut(role)}{meant(role, ROLES)} Give {', '.join(ROLES[:-1])} or {ROLES[-1]}, or none."
    raise RequestInvalid(message)


def _known_scopes(scopes: Collection[str]) -> frozenset[str]:
    for scope in scopes:
        if scope not in UNIT_PRIMITIVES:
            message = (
                f"There is no unit primitive {cut(scope)}{meant(scope, UNIT_PRIMITIVES)} "
                "Give names such as complete_code or generate_code, or none for all."
            )
            raise RequestInvalid(message)
    return frozenset(scopes)


def _check_models(models: Collection[str]) -> None:
    for model in models:
        if not _MODEL.fullmatch(model):
            message = f"{cut(model)} cannot be the name of a model; give names without white space, or none for all."
            raise RequestInvalid(message)
    if len(models) > _MOST_MODELS:
        message = f"{len(models)} models are too many for one client; give at most {_MOST_MODELS}, or none for all."
        raise RequestInvalid(message)


def _check_limits(asked: NewClient) -> None:
    spend = asked.budget.amount if asked.budget is not None else None
    limits = (
        ("requests a minute", asked.rpm, _MOST_REQUESTS),
        ("tokens a minute", asked.tpm, _MOST_TOKENS),
        ("millionths of a dollar as a budget", spend, _MOST_MICRO_USD),
    )
    for what, amount, most in limits:
        if amount is not None and not 1 <= amount <= most:
            message = f"{amount} {what} cannot be; give a number from 1 to {most}, or none for no limit."
            raise RequestInvalid(message)
