"""Read the settings and hand over to the server.

The metrics library decides at its import whether this process is one of several, so
nothing that imports it may be imported before the variable below is set.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from gateway_core.kernel.errors import SettingInvalid, StorageUnavailable
from gateway_core.settings.load import export_variable, idle_names, load_settings, unknown_names
from gateway_core.settings.model import Settings

_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
_CANNOT_START = 2
_INTERRUPTED = 130


def serve() -> None:
    """Serve until told to stop; when that cannot be, say why in one line and end with status 2."""
    try:
        start()
    except (SettingInvalid, StorageUnavailable) as failure:
        sys.stderr.write(f"ai-gateway: {failure}\n")
        sys.exit(_CANNOT_START)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


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
    _import_log_library()
    # Imported here for the reason in the module's docstring.
    from ai_gateway.server import Oddities, run_server  # noqa: PLC0415

    run_server(settings, oddities=Oddities(unknown_names(), idle_names()), multiprocess_folder=folder)


def _import_log_library() -> None:
    """Import it without the library that draws tracebacks, which we never ask of it: a twentieth of a start."""
    if "rich" in sys.modules:
        return
    # ignore: None says to every import that there is none (Python's reference, section 5.3.1); its type does not tell.
    sys.modules["rich"] = None  # type: ignore[assignment]
    import_module("structlog")
    del sys.modules["rich"]
