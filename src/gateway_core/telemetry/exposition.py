"""The listener that Prometheus reads, apart from the API's port."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import REGISTRY, CollectorRegistry, Metric, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from typing_extensions import override

from gateway_core.kernel.errors import SettingInvalid


class _MergedWorkers(Collector):
    """Merge the files of all workers; the gauges of those that are gone no longer count."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The library has no types for these three calls.
        self._merge = MultiProcessCollector(None, path=str(folder))  # type: ignore[no-untyped-call]

    @override
    def collect(self) -> Iterable[Metric]:
        for file in self._folder.glob("gauge_live*_*.db"):
            pid = int(file.stem.rsplit("_", 1)[1])
            if not _is_alive(pid):
                # Untyped, see above.
                mark_process_dead(pid, path=str(self._folder))  # type: ignore[no-untyped-call]
        # Untyped, see above.
        merged: Iterable[Metric] = self._merge.collect()  # type: ignore[no-untyped-call]
        return merged


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def serve_metrics(*, host: str, port: int, multiprocess_folder: Path | None) -> WSGIServer:
    """Listen in a thread of this process; the answer holds the port that was taken.

    Raises SettingInvalid when the address cannot be had.
    """
    registry = REGISTRY
    if multiprocess_folder is not None:
        registry = CollectorRegistry()
        registry.register(_MergedWorkers(multiprocess_folder))
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        message = (
            f"The metrics listener cannot have {host}:{port}: {error.strerror}; "
            "set AIGW_FASTAPI__METRICS_HOST and AIGW_FASTAPI__METRICS_PORT to a free address."
        )
        raise SettingInvalid(message) from error
    return server
