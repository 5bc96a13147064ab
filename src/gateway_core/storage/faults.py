"""What a driver's failure means: the database cannot be asked, or it was asked something wrong."""

from __future__ import annotations

import socket
import ssl

from sqlalchemy import exc

_LONGEST = 200
# SQLSTATE classes of what is wrong with the rows, not with the database.
_OF_THE_DATA = ("22", "23")


def is_of_the_database(error: BaseException) -> bool:
    """Tell whether the database could not be asked, or could not do it now.

    False for a row that it refuses: a key that is taken, a text with a NUL. Asking
    again would not help there, and the repository may want to catch it.
    """
    match error:
        case exc.IntegrityError() | exc.DataError():
            return False
        case exc.DBAPIError():
            return not str(getattr(error.driver_exception, "sqlstate", "")).startswith(_OF_THE_DATA)
        case exc.TimeoutError() | OSError() | EOFError():
            return True
        case _:
            return False


def reason_of(error: BaseException) -> str:
    """Say in a few words why; never a statement, never its values."""
    if isinstance(error, exc.DBAPIError):
        error = error.driver_exception
    match error:
        case TimeoutError() | exc.TimeoutError():
            return "no answer in time"
        case socket.gaierror():
            return "its host is not known"
        case ssl.SSLError():
            text = f"TLS failed: {error.reason or error}"
        case OSError():
            text = error.strerror or str(error)
        case _:
            text = str(error)
    lines = text.strip().splitlines()
    return lines[0][:_LONGEST] if lines else type(error).__name__
