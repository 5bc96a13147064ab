from __future__ import annotations

import asyncio
from contextvars import Context

from gateway_core.telemetry.context import RequestFacts, current_facts, use_facts


def test_without_a_request_there_are_no_facts() -> None:
    assert Context().run(current_facts) is None


async def test_the_facts_of_a_request_reach_the_tasks_it_starts() -> None:
    facts = RequestFacts(correlation_id="r1")
    use_facts(facts)

    async def serve() -> RequestFacts | None:
        return current_facts()

    assert await asyncio.create_task(serve()) is facts


async def test_requests_served_at_the_same_time_do_not_see_each_other() -> None:
    async def serve(name: str) -> str:
        use_facts(RequestFacts(correlation_id=name))
        await asyncio.sleep(0)
        facts = current_facts()
        return facts.correlation_id if facts else ""

    names = [f"r{number}" for number in range(10)]

    assert await asyncio.gather(*map(serve, names)) == names


def test_no_two_requests_share_what_is_bound() -> None:
    one, other = RequestFacts(), RequestFacts()
    one.bound["lang"] = "python"
    one.access["status_code"] = 200

    assert (other.bound, other.access) == ({}, {})
