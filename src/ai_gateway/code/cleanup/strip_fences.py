"""Take Markdown fences off an answer that is code."""

import re

_FENCE_LINE = re.compile(r"^```\S*\n", re.MULTILINE)


def strip_fences(text: str) -> str:
    """Drop every fence line, also one with a language name, and back-ticks at the very end."""
    return _FENCE_LINE.sub("", text).rstrip("`")
