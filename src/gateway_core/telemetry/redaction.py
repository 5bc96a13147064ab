"""Keep secrets out of everything that is written down."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

import msgspec

MASK = "**********"
_SHORTEST = 8
_MOST_SEEN = 4_096
_LONGEST_SEEN = 512
_PLAIN = frozenset({int, float, bool, type(None)})

_SECRET_FIELDS = frozenset(
    {
        "api_key",
        "apikey",
        "authorization",
        "client_secret",
        "cookie",
        "key_password",
        "model_api_key",
        "password",
        "proxy-authorization",
        "secret",
        "set-cookie",
        "signing_key",
        "validation_key",
        "x-api-key",
    }
)

# A cheap test for the alternatives below: most texts hold none of these and skip the pattern.
_HINT = re.compile(rb"sk-|gw-|rk-|pk-|earer |eyJ|key=|token=|AKIA|AIza|ya29\.|@|glpat-|PRIVATE KEY")

# Possessive where a caller could make it try again and again: each takes time in line with the text's length.
_SECRETS = re.compile(
    rb"""
    \b(?:sk|rk|pk)-[A-Za-z0-9_\-]{8,}               # vendors' keys
    | \bgw-[A-Za-z0-9_\-]{10,}                      # ours; their first 12 characters may be shown
    | \bglpat-[A-Za-z0-9_\-]{8,}
    | \bAKIA[0-9A-Z]{12,} | \bAIza[A-Za-z0-9_\-]{20,}
    | \bya29\.[A-Za-z0-9_\-.]{8,}                  # Google's access tokens
    | (?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{6,}+\.[A-Za-z0-9_\-]++(?:\.[A-Za-z0-9_\-]*)?   # signed tokens
    | (?<=[Bb]earer\ )[^\s"'\\,]{6,}
    | (?<=[?&]key=)[^&\s"'\\]+ | (?<=[?&]token=)[^&\s"'\\]+ | (?<=[?&]api_key=)[^&\s"'\\]+
    | (?<=access_token=)[^&\s"'\\]+
    | (?<=://)[^/\s"'\\@]+(?=@)                      # user and password in an address
    | -----BEGIN[A-Z ]*PRIVATE\ KEY-----(?:(?!-----).)*+(?:-----END[A-Z ]*PRIVATE\ KEY-----)?
    """,
    re.VERBOSE | re.DOTALL,
)


class Redactor:
    """Mask secrets: those it was told of by value, and whatever looks like one."""

    def __init__(self) -> None:
        self._known: list[bytes] = []
        self._seen: dict[str, str] = {}
        # Changes with what is masked, for those who keep a text that was masked before.
        self.revision = 0

    def learn(self, secret: str) -> None:
        """Mask this very value from now on; values too short to be a secret are left alone."""
        plain = secret.encode()
        # As it stands in a console line, and as JSON writes it.
        for form in (plain, msgspec.json.encode(secret)[1:-1]):
            if len(plain) >= _SHORTEST and form not in self._known:
                self._known.append(form)
        # Longest first: where one secret begins with another, no end of it is left behind.
        self._known.sort(key=len, reverse=True)
        self._seen.clear()
        self.revision += 1

    def mask_fields(self, fields: MutableMapping[str, object]) -> None:
        """Mask the values of fields whose name says that they are secret, in place."""
        if not _SECRET_FIELDS.isdisjoint(fields):
            for name in fields.keys() & _SECRET_FIELDS:
                if fields[name] is not None:
                    fields[name] = MASK

    def mask_values(self, fields: MutableMapping[str, object]) -> bool:
        """Mask every text, in place; False when there is a value that is more than a text or a number.

        What became of a text is remembered: addresses and names of tools come again and again.
        """
        seen = self._seen
        for name, value in fields.items():
            if type(value) is str:
                masked = seen.get(value)
                fields[name] = self.mask_value(value) if masked is None else masked
            elif type(value) not in _PLAIN:
                return False
        return True

    def mask_value(self, value: str) -> str:
        """Mask one value, and remember what became of it."""
        masked = self._seen.get(value)
        if masked is None:
            masked = self.mask_text(value.encode(errors="surrogatepass")).decode(errors="replace")
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            if len(value) <= _LONGEST_SEEN:
                self._seen[value] = masked
        return masked

    def mask_once(self, value: str) -> str:
        """Mask a value that will not come again."""
        return self.mask_text(value.encode(errors="surrogatepass")).decode(errors="replace")

    def mask_text(self, line: bytes) -> bytes:
        """Mask whatever in a rendered line is, or looks like, a secret."""
        for secret in self._known:
            if secret in line:
                line = line.replace(secret, MASK.encode())
        if _HINT.search(line):
            return _SECRETS.sub(MASK.encode(), line)
        return line
