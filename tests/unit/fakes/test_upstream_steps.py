"""How the fake upstream lays an answer out in time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fakes.upstream import Reply
from fakes.upstream_answer import build_answer
from fakes.upstream_steps import Cut, Hold, Pause, Send, plan_steps

STREAM = b'{"model":"m","stream":true,"messages":[]}'
WHOLE = b'{"model":"m","messages":[]}'


@given(
    limit=st.integers(0, 400),
    transfer=st.sampled_from(["chunked", "length", "close"]),
    split=st.booleans(),
    text=st.text(max_size=30),
)
def test_a_cut_after_bytes_sends_that_many_and_then_cuts(limit: int, transfer: str, *, split: bool, text: str) -> None:
    plain = Reply(text=text, split_utf8=split, transfer="close")
    answer = build_answer("chat", headers={}, body=STREAM, reply=plain)
    whole = b"".join(step.data for step in plan_steps(answer, plain, closing=False)[1:] if isinstance(step, Send))
    cut = Reply(
        text=text, split_utf8=split, cut_after_bytes=limit, transfer="length" if transfer == "length" else "close"
    )

    steps = plan_steps(answer, cut, closing=False)

    assert b"".join(step.data for step in steps[1:] if isinstance(step, Send)) == whole[:limit]
    assert steps[-1] == Cut("close")


def test_a_plan_waits_where_the_reply_says() -> None:
    reply = Reply(chunks=("a", "b"), delay_head=1.5, delay_chunk=0.5, hold_after=2)
    answer = build_answer("completions", headers={}, body=STREAM, reply=reply)

    waits = [step for step in plan_steps(answer, reply, closing=False) if not isinstance(step, Send)]

    assert waits == [Pause(1.5), Pause(0.5), Hold()]


def test_the_bytes_of_a_character_are_sent_one_by_one() -> None:
    reply = Reply(text="né", split_utf8=True, transfer="close")
    answer = build_answer("chat", headers={}, body=WHOLE, reply=reply)

    sent = [step.data for step in plan_steps(answer, reply, closing=False) if isinstance(step, Send)]

    assert sent[2:4] == [b"\xc3", b"\xa9"]
