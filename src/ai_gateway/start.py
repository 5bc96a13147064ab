"""Read the settings and hand over to the server.

The metrics library decides at its import whether this process is one of several, so
nothing that imports it may be imported before the variable below is set.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.load import export_variable, idle_names, load_settings, unknown_names
from gateway_core.settings.model import Settings

_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def start() -> None:
    """Serve until told to stop; raises SettingInvalid."""
    settings = load_settings()
    folder = settings.prometheus_multiproc_dir
    ours = folder is None and settings.web_concurrency > 1
    if ours:
        folder = Path(tempfile.mkdtemp(prefix="ai-gateway-metrics-"))
    if folder is not None:
        _make(folder)
        export_variable(_MULTIPROCESS, str(folder))
    try:
        _serve(settings, folder)
    finally:
        if ours and folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What an earlier run counted is not ours.
        for left_behind in folder.glob("*.db"):
            left_behind.unlink()
    except OSError as error:
        message = f"{_MULTIPROCESS}={str(folder)!r} cannot be used: {error.strerror}; give a folder we may write to."
        raise SettingInvalid(message) from error


def _serve(settings: Settings, folder: Path | None) -> None:
    # Imported here for the reason in the module's docstring.
    from ai_gateway.server import Oddities, serve  # noqa: PLC0415

    serve(settings, oddities=Oddities(unknown_names(), idle_names()), multiprocess_folder=folder)
