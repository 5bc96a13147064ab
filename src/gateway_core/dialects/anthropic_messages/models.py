"""What each generation of the vendor's models takes, read off the model's name.

Names come as the vendor, the clouds and resellers write them: `claude-opus-4-5-20251101`,
`us.anthropic.claude-opus-4-6-v1:0`, `claude-3-7-sonnet@20250219`, `anthropic/claude-opus-5.5`. A
name of Claude without a version, or of a later one, is taken for the newest. Models of others that
speak this format are None: for them nothing is known.

Source: the vendor's pages on models, effort and thinking and its guides for moving to 5.5, 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from gateway_core.kernel.units import Tokens

_Version = tuple[int, int]

_NEWEST: _Version = (99, 0)
_NEVER: _Version = (100, 0)
_NAME = re.compile(r"claude(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_FAMILY = re.compile(r"opus|sonnet|haiku", re.IGNORECASE)
# A date of eight digits is no version.
_NUMBER = re.compile(r"(?<!\d)(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")

# The version from which a family has a trait; families that are not named have each from the start.
_THINKS: Mapping[str, _Version] = {"opus": (4, 0), "sonnet": (3, 7), "haiku": (4, 5)}
_EFFORT: Mapping[str, _Version] = {"opus": (4, 5), "sonnet": (4, 6), "haiku": (5, 0)}
_EFFORT_MAX: Mapping[str, _Version] = {"opus": (4, 6), "sonnet": (4, 6), "haiku": (5, 0)}
_EFFORT_XHIGH: Mapping[str, _Version] = {"opus": (4, 7), "sonnet": (5, 0), "haiku": (5, 0)}
_ADAPTIVE: Mapping[str, _Version] = {"opus": (4, 6), "sonnet": (4, 6), "haiku": (5, 0)}
_WITHOUT_BUDGET: Mapping[str, _Version] = {"opus": (4, 7), "sonnet": (5, 0), "haiku": (5, 0)}
_ALWAYS_THINKS: Mapping[str, _Version] = {"opus": (5, 5), "sonnet": _NEVER, "haiku": _NEVER}
_THINKS_BETWEEN_TOOLS: Mapping[str, _Version] = {"opus": _NEVER, "sonnet": (5, 5), "haiku": _NEVER}
_SYSTEM_TURNS: Mapping[str, _Version] = {"opus": (4, 8), "sonnet": (5, 0), "haiku": (5, 0)}


@dataclass(frozen=True, slots=True)
class ClaudeModel:
    """One model: its family, empty for one that is newer than this table, and its version."""

    family: str
    version: _Version

    @property
    def thinks(self) -> bool:
        """Whether it can be asked to think at all."""
        return self._since(_THINKS)

    @property
    def efforts(self) -> tuple[str, ...]:
        """The levels of effort it takes, lowest first; none for models without that setting."""
        if not self._since(_EFFORT):
            return ()
        levels = ["low", "medium", "high"]
        if self._since(_EFFORT_XHIGH):
            levels.append("xhigh")
        if self._since(_EFFORT_MAX):
            levels.append("max")
        return tuple(levels)

    @property
    def adaptive(self) -> bool:
        """Whether it can decide itself how much to think."""
        return self._since(_ADAPTIVE)

    @property
    def budgets(self) -> bool:
        """Whether thinking can be given a number of tokens."""
        return self.thinks and not self._since(_WITHOUT_BUDGET)

    @property
    def off(self) -> str:
        """The word that turns thinking off, or as far down as it goes; empty where it cannot be turned off."""
        if self.family and self._since(_THINKS_BETWEEN_TOOLS):
            return "between_tools"
        return "" if self._since(_ALWAYS_THINKS) else "disabled"

    @property
    def system_turns(self) -> bool:
        """Whether instructions may stand among the messages."""
        return self._since(_SYSTEM_TURNS)

    @property
    def longest_answer(self) -> Tokens:
        """The most tokens it writes in one answer."""
        if self.version < (3, 5):
            return Tokens(4_096)
        if self.version < (3, 7):
            return Tokens(8_192)
        if self.family == "opus" and (4, 0) <= self.version < (4, 5):
            return Tokens(32_000)
        return Tokens(128_000 if self._since({"opus": (4, 6), "sonnet": (5, 0), "haiku": (5, 0)}) else 64_000)

    def _since(self, versions: Mapping[str, _Version]) -> bool:
        return self.version >= versions.get(self.family, (0, 0))


# Few names come again and again; callers may write others, but none that is long.
@lru_cache(maxsize=256)
def claude_model(name: str) -> ClaudeModel | None:
    """Read a model's name; None for those of other makers."""
    match = _NAME.search(name)
    if match is None:
        return None
    family = _FAMILY.search(match["rest"])
    number = _NUMBER.search(match["rest"])
    version = (int(number[1]), int(number[2] or 0)) if number else _NEWEST
    if family is None:
        # Before the families there were `claude-2.1` and `claude-instant-1.2`.
        return ClaudeModel("opus" if version < (3, 0) else "", version)
    return ClaudeModel(family[0].lower(), version)
