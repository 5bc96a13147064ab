"""What a caller asked for and the other side's dialect has no word for: never lost in silence."""

from __future__ import annotations

from collections.abc import Callable

from gateway_core.kernel.errors import FeatureUnsupported


class Losses:
    """Take note of each; `drop` says that the caller allows what changes the answer to be left out.

    `dropped` lists what was left out, each once, for the caller to read in a header. `words` turns our
    name of a feature into what stands in the caller's body; it cannot fail.
    """

    __slots__ = ("_drop", "_seen", "_target", "_words", "dropped")

    def __init__(self, target: str, *, drop: bool = False, words: Callable[[str], str] = str) -> None:
        self._target = target
        self._drop = drop
        self._words = words
        self._seen: set[str] = set()
        self.dropped: list[str] = []

    def hint(self, feature: str) -> None:
        """Leave out what changes no answer: a wish about caching, tracing or the order of service."""
        self._note(self._words(feature))

    def cannot(self, feature: str, why: str = "") -> None:
        """Leave out what the answer depends on, if that is allowed; else raises `FeatureUnsupported`.

        `feature` is the member by its name in our vocabulary or in the caller's request, `why` half a sentence.
        """
        name = self._words(feature)
        if not self._drop:
            raise FeatureUnsupported(name, target=self._target, why=why)
        self._note(name)

    def _note(self, name: str) -> None:
        # A long conversation may lose something in every message.
        if name not in self._seen:
            self._seen.add(name)
            self.dropped.append(name)
