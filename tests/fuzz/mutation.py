"""Make new inputs of old ones: by lines, by words, by JSON values and by bytes, from one seed the same each time."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_VALUES = (
    *(b"null", b"true", b"0", b"-1", b"1e999", b"-0.0", b"1795251600", b"9999999999", b"9" * 400, b'""', b'"x"'),
    *(b"[]", b"{}", b'["gitlab-ai-gateway"]', b'"9999999999"', b'"\\ud800"', b'"\\u0000"', b"NaN", b"[" * 60),
    *(b'"none"', b'"HS256"', b'"RS256"', b'"ES256"', b'"RSA"', b'"EC"', b'"oct"', b'"P-384"', b'"AQAB"', b'"Ag"'),
)
_JSON_VALUE = re.compile(rb'(?<=[:\[,])\s*(?:"[^"]*"|-?[0-9][0-9.eE+-]*|true|false|null|\[\]|\{\})')
_JSON_NAME = re.compile(rb'"[a-z_0-9]+"(?=:)')
_WORD = re.compile(rb"(?<=<)[a-z0-9]+")
_MOST_STEPS = 4


class Mutator:
    """Change inputs by chance; `words` are what the target may find interesting, `words_in_brackets` its placeholders."""

    def __init__(
        self, seed: int, *, words: Sequence[bytes], words_in_brackets: Sequence[bytes] = (b"x",), longest: int
    ) -> None:
        self._random = random.Random(seed)
        self._words = words
        self._placeholders = words_in_brackets
        self._longest = longest
        self._steps: Sequence[Callable[[bytes], bytes]] = (
            self._edit,
            self._edit,
            self._repeat_line,
            self._move_line,
            self._drop_line,
            self._other_word,
            self._other_value,
            self._other_value,
            self._other_name,
            self._insert_word,
            self._change_byte,
            self._insert_byte,
            self._drop_bytes,
        )

    def choose(self, seeds: Sequence[bytes]) -> bytes:
        """Take one of the inputs, at times with the lines of a second one."""
        first = self._random.choice(seeds)
        if self._random.random() < 0.1:
            return (first + b"\n" + self._random.choice(seeds))[: self._longest]
        return first

    def change(self, data: bytes) -> bytes:
        """Give another input."""
        for _ in range(self._random.randint(1, _MOST_STEPS)):
            data = self._random.choice(self._steps)(data)
        return data[: self._longest]

    def _edit(self, data: bytes) -> bytes:
        """Add one of the edits that `fuzz.wire` makes in a credential."""
        place = self._random.choice((self._random.randrange(4), self._random.randrange(2**16)))
        edit = bytes([self._random.randrange(256), place >> 8, place & 0xFF, self._random.randrange(256)])
        return data + (b"" if b"\n\n" in data else b"\n\n") + edit

    def _repeat_line(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        return b"\n".join([self._random.choice(lines), *lines])

    def _move_line(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        lines.insert(0, lines.pop(self._random.randrange(len(lines))))
        return b"\n".join(lines)

    def _drop_line(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        del lines[self._random.randrange(len(lines))]
        return b"\n".join(lines)

    def _other_word(self, data: bytes) -> bytes:
        return self._replaced(_WORD, data, by=self._placeholders)

    def _other_value(self, data: bytes) -> bytes:
        return self._replaced(_JSON_VALUE, data, by=_VALUES)

    def _other_name(self, data: bytes) -> bytes:
        names = [found[0] for found in _JSON_NAME.finditer(data)]
        return self._replaced(_JSON_NAME, data, by=names) if names else data

    def _insert_word(self, data: bytes) -> bytes:
        place = self._random.randint(0, len(data))
        return data[:place] + self._random.choice(self._words) + data[place:]

    def _change_byte(self, data: bytes) -> bytes:
        place = self._random.randint(0, len(data))
        return data[:place] + self._random.randbytes(1) + data[place + 1 :]

    def _insert_byte(self, data: bytes) -> bytes:
        place = self._random.randint(0, len(data))
        return data[:place] + self._random.randbytes(1) + data[place:]

    def _drop_bytes(self, data: bytes) -> bytes:
        place = self._random.randint(0, len(data))
        return data[:place] + data[place + self._random.randint(1, 16) :]

    def _replaced(self, pattern: re.Pattern[bytes], data: bytes, *, by: Sequence[bytes]) -> bytes:
        found = list(pattern.finditer(data))
        if not found:
            return data
        begin, end = self._random.choice(found).span()
        return data[:begin] + self._random.choice(by) + data[end:]
