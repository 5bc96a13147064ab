"""One record has a bound, and is text that any database takes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String

from fakes.clock import MORNING
from gateway_core.audit import limits
from gateway_core.audit.limits import fitted
from gateway_core.audit.model import AuditEvent
from gateway_core.storage.tables import AUDIT_EVENTS

ANY_TEXT = st.text(st.characters() | st.characters(categories=["Cs"]) | st.just("\0"), max_size=700)


def width_of(column: str) -> int | None:
    kind = AUDIT_EVENTS.c[column].type
    assert isinstance(kind, String)
    return kind.length


def test_the_limits_are_the_widths_of_the_columns() -> None:
    kept = {
        "actor": limits.ACTOR,
        "subject": limits.SUBJECT,
        "request_id": limits.REQUEST_ID,
        "address": limits.ADDRESS,
    }

    assert {name: width_of(name) for name in kept} == kept


@given(text=ANY_TEXT, details=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=30))
def test_whatever_comes_can_be_written(text: str, details: dict[str, str]) -> None:
    event = fitted(AuditEvent(MORNING, "client_added", text, text, text, text, text, details))

    texts = (event.actor, event.subject, event.reason, event.request_id, event.address)
    written = "".join((*texts, *event.details, *event.details.values()))
    assert "\0" not in written
    assert written.encode().decode() == written
    assert all(len(one) <= most for one, most in zip(texts, (255, 255, 2000, 512, 64), strict=True))
    assert len(event.details) <= limits.DETAILS
    assert fitted(event) == event


@given(text=st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=60))
def test_what_fits_stays_as_it_is(text: str) -> None:
    event = AuditEvent(MORNING, "client_added", text, text, text, text, text, {text: text})

    assert fitted(event) == event


def test_a_text_is_cut_at_its_own_limit() -> None:
    event = replace(AuditEvent(MORNING, "client_added"), actor="a" * 9999, address="b" * 9999)

    assert (len(fitted(event).actor), len(fitted(event).address)) == (limits.ACTOR, limits.ADDRESS)


def test_no_record_holds_a_secret_wherever_a_caller_put_it() -> None:
    key = "gw-" + "k3y" * 14
    event = AuditEvent(
        MORNING,
        "credential_refused",
        actor=key,
        subject=f"DELETE /admin/clients/{key}",
        reason=f"{'why ' * 120}https://op:hunter2@id.example",
        request_id=key,
        details={"user": f"Bearer {key}"},
    )

    held = repr(fitted(event))

    assert key not in held
    assert "hunter2" not in held
    assert "DELETE /admin/clients/****" in held


def test_the_part_of_a_key_that_may_be_shown_stays() -> None:
    reason = "no client holds the key gw-3f9ak2p7x…"

    assert fitted(AuditEvent(MORNING, "credential_refused", reason=reason)).reason == reason
