"""What the operator gave: one value a variable, with the name and the place it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.catalogue import Setting, section_variables

LONGEST_SHOWN = 60
_USER_IN_URL = re.compile(r"//[^/@]*@")


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written; `member` is its place inside a section that was given as JSON."""

    name: str
    value: object = field(repr=False)
    file: Path | None = None
    member: str = ""

    def called(self, setting: Setting) -> str:
        """Name the variable as the operator wrote it, with the value unless it is a secret."""
        name = f"{self.name} ({self.member})" if self.member else self.name
        shown = "" if setting.is_secret else f"={_shortened(self.value)}"
        return f"{name}{shown} (in {str(self.file)!r})" if self.file else f"{name}{shown}"


def _shortened(value: object) -> str:
    """Show a value on one line, without the password of a URL."""
    text = _USER_IN_URL.sub("//***@", value) if isinstance(value, str) else value
    shown = repr(text)
    if len(shown) <= LONGEST_SHOWN:
        return shown
    # From the middle: the end of a path says most.
    half = LONGEST_SHOWN // 2
    return f"{shown[: half - 1]}…{shown[-half:]}"


def merge_given(environ: Mapping[str, str], *, of_file: Mapping[str, str], file: Path | None) -> dict[str, Given]:
    """Put both sources together by upper-case name; the environment wins, and a blank value counts as not given.

    Of two spellings of one name in the same source, the one in capitals wins.
    """
    merged: dict[str, Given] = {}
    for source, place in ((of_file, file), (environ, None)):
        for name in sorted(source, key=lambda spelled: spelled == spelled.upper()):
            if source[name].strip():
                merged[name.upper()] = Given(name, source[name], place)
    for section in sorted(section_variables() & merged.keys(), reverse=True):
        _open_section(section, merged)
    return merged


def _open_section(section: str, merged: dict[str, Given]) -> None:
    """Spread a section that was given as JSON over the variables of its members; those set by themselves win."""
    given = merged[section]
    try:
        members = json.loads(str(given.value))
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        # The value is not shown: there may be a secret among the members.
        raise SettingInvalid(f'{given.name} is not a JSON object; give one such as {{"enabled": true}}.')
    queue = [(section, "", members)]
    while queue:
        prefix, path, inner = queue.pop()
        for key, value in inner.items():
            name, member = f"{prefix}__{key.upper()}", f"{path}.{key}" if path else key
            if name in section_variables():
                if not isinstance(value, dict):
                    raise SettingInvalid(f"{given.name} ({member}) is not a JSON object; give one with its members.")
                queue.append((name, member, value))
            elif value is not None and value != "":
                merged.setdefault(name, Given(given.name, value, given.file, member))
