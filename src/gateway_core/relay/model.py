"""What the relay is asked, and what a product learns of the model behind its call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway_core.inference.ports import Provider
from gateway_core.inference.profile import ModelProfile
from gateway_core.inference.request import InferenceRequest, Operation
from gateway_core.routing.model import Candidate


@dataclass(frozen=True, slots=True)
class AnsweringModel:
    """The model that was chosen: `engine` and `name` for people, `upstream` is what the provider calls it."""

    engine: str
    name: str
    upstream: str
    profile: ModelProfile


@dataclass(frozen=True, slots=True)
class Way:
    """A candidate, who asks it, and what may be told of its model."""

    candidate: Candidate
    provider: Provider
    model: AnsweringModel

    @classmethod
    def to(cls, candidate: Candidate, provider: Provider) -> Way:
        """Give the way to a candidate."""
        model = AnsweringModel(candidate.engine, candidate.name, candidate.model, candidate.profile)
        return cls(candidate, provider, model)


# Not frozen: there is one for each call, and a frozen one takes several times as long to make.
@dataclass(slots=True)
class Ask:
    """A call as it came, in a vendor's dialect.

    `model` is the caller's name for it; `body_for` gives the body with the provider's name in its
    place. `parse` reads the body, for a provider that speaks another dialect; None: this can only be
    passed through. `headers` are those of the caller's that the vendor reads. `allowed` are the
    models the caller is limited to, and `drop` says that what the provider cannot be told may be left out.
    With a `provider` the model is that provider's own, and `path` is where it is asked.
    """

    operation: Operation
    model: str
    stream: bool
    body_for: Callable[[str], bytes]
    parse: Callable[[], Awaitable[InferenceRequest]] | None
    headers: Sequence[tuple[str, str]] = ()
    allowed: frozenset[str] = frozenset()
    drop: bool = False
    provider: str = ""
    path: str = ""
