"""Keep generated code from starting on the cursor's line."""


def prepend_newline(text: str, *, above: str) -> str:
    """Put a line break in front, unless the text is empty or one is there on either side."""
    if not text or text.startswith("\n") or above.endswith("\n"):
        return text
    return f"\n{text}"
