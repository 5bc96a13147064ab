"""What the fake upstream saw and has to say, shared between its thread and the test's."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

# Any: a test reads the member that it sent, so the shape of the body is its own business.
from typing import Any, Literal

from fakes.upstream_answer import Endpoint
from fakes.upstream_reply import Reply


@dataclass(slots=True, eq=False)
class SeenRequest:
    """One request as it came; header names lower-cased, in order and with repeats."""

    method: str
    path: str
    """Without its query."""
    query: str
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)
    connection: int
    """Number of the connection it came on, from 0."""
    answered: bool = False
    """The whole answer was written, up to a cut that the reply asked for."""
    aborted: bool = False
    """The client was gone before the answer was written whole."""

    @property
    # Any: see the import.
    def json(self) -> Any:
        """The body as JSON; raises ValueError when it is none."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """Give the first header of this name, any case."""
        return next((value for known, value in self.headers if known == name.lower()), None)


Answerer = Callable[[SeenRequest], Reply]
Outcome = Literal["answered", "aborted", "stopped"]


class UpstreamState:
    """Every member is safe from any thread; a change wakes those who wait for one."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._requests: list[SeenRequest] = []
        self._gates: dict[SeenRequest, asyncio.Event] = {}
        self._script: deque[Reply | Answerer] = deque()
        self._always: Reply | Answerer = Reply()
        self._models: Reply | Answerer = Reply()
        self._open = 0
        self._made = 0
        self._held = 0
        self._faults: list[BaseException] = []

    # The test's side.

    def requests(self) -> list[SeenRequest]:
        """Give a copy of the list, oldest first; its members go on changing."""
        with self._changed:
            return list(self._requests)

    def counts(self) -> tuple[int, int, int]:
        """Tell the connections that are open, those ever made, and the answers on hold."""
        with self._changed:
            return self._open, self._made, self._held

    def script(self, replies: tuple[Reply | Answerer, ...]) -> None:
        """Put replies behind those already waiting."""
        with self._changed:
            self._script.extend(replies)

    def always(self, reply: Reply | Answerer) -> None:
        """Set what is answered when the script is used up."""
        with self._changed:
            self._always = reply

    def answer_models(self, reply: Reply | Answerer) -> None:
        """Set what the list of models answers; the script does not reach it."""
        with self._changed:
            self._models = reply

    def gates(self) -> list[asyncio.Event]:
        """Give the gates of all requests whose answer is not finished; they open in the server's loop."""
        with self._changed:
            return list(self._gates.values())

    def reset(self) -> None:
        """Forget what was seen and scripted; connections stay."""
        with self._changed:
            self._requests.clear()
            self._script.clear()
            self._always = self._models = Reply()
            self._changed.notify_all()

    def wait_until(self, predicate: Callable[[], object], timeout: float) -> bool:
        """Wait until the predicate holds; it is asked at each change, and now and then."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not predicate():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.1))
        return True

    def faults(self) -> list[BaseException]:
        """Give what went wrong in the server's own thread."""
        with self._changed:
            return list(self._faults)

    # The server's side.

    def connection_made(self) -> int:
        """Count a connection and give its number."""
        with self._changed:
            self._open += 1
            self._made += 1
            self._changed.notify_all()
            return self._made - 1

    def connection_lost(self, fault: BaseException | None) -> None:
        """Count a connection out, with what went wrong if anything did."""
        with self._changed:
            self._open -= 1
            if fault is not None:
                self._faults.append(fault)
            self._changed.notify_all()

    def admit(self, seen: SeenRequest, endpoint: Endpoint) -> tuple[Reply, asyncio.Event]:
        """Take a request in and decide its reply, in one step, so that both keep the same order."""
        with self._changed:
            gate = asyncio.Event()
            self._requests.append(seen)
            self._gates[seen] = gate
            self._changed.notify_all()
            chosen = self._choose(seen, endpoint)
            return (chosen if isinstance(chosen, Reply) else chosen(seen)), gate

    def _choose(self, seen: SeenRequest, endpoint: Endpoint) -> Reply | Answerer:
        if endpoint == "models":
            return self._models
        if seen.method != "POST":
            return Reply()
        return self._script.popleft() if self._script else self._always

    def settle(self, seen: SeenRequest, outcome: Outcome) -> None:
        """Write down how the answer ended."""
        with self._changed:
            seen.aborted = outcome == "aborted"
            seen.answered = outcome == "answered"
            self._gates.pop(seen, None)
            self._changed.notify_all()

    def hold(self, change: int) -> None:
        """Count an answer on hold in (1) or out (-1)."""
        with self._changed:
            self._held += change
            self._changed.notify_all()
