"""Suggest nothing rather than blanks."""


def drop_blank(text: str) -> str:
    """Turn a text of white space only into none; any other stays as it is."""
    return text if text.strip() else ""
