"""The program `ai-gateway`."""

from __future__ import annotations

import gc
import sys


def run() -> None:
    """Run the command; the one that serves does without the library that reads all others."""
    if sys.argv[1:] == ["serve"]:
        # What a start makes stays: to search it for garbage again and again is a fifth of its time.
        # The service turns this on again, when it is up.
        gc.disable()
        # Imported here, behind the line above.
        from ai_gateway.start import serve  # noqa: PLC0415

        serve()
        return
    # Imported here: it is a tenth of the time that a start takes.
    from ai_gateway.command_line import app  # noqa: PLC0415

    app()
