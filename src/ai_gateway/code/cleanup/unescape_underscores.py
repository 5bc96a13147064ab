"""Undo the Markdown escape that Mixtral puts into code."""


def unescape_underscores(text: str) -> str:
    r"""Turn `\_` into `_`."""
    return text.replace("\\_", "_")
