"""A PostgreSQL server for one test run: it lives as long as its standard input stays open.

Run as a program: makes its files in a folder of its own, prints the folder of its socket
when it answers, and removes everything when the tests that started it are gone, however
they ended. The programs of the server come from a wheel of the test group.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The server refuses to run as root.
NOBODY = "nobody"
# Nothing of this must outlive the tests.
HASTY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=", "max_connections=60")


def find_installation() -> Path | None:
    """Find the server's programs; None where the wheel is not installed."""
    found = importlib.util.find_spec("pgserver")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "pginstall"


def main() -> None:
    account = NOBODY if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        programs = _programs_for(account, home=home)
        data = _make_data(account, home=home, programs=programs)
        settings = [word for setting in HASTY for word in ("-c", setting)]
        with (
            (home / "log").open("wb") as log,
            subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", home, *settings],
                user=account,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            ) as server,
        ):
            try:
                _wait_for(server, programs=programs, home=home)
                sys.stdout.write(f"{home}\n")
                sys.stdout.flush()
                sys.stdin.buffer.read()
            finally:
                # At once, whoever is still connected.
                server.send_signal(signal.SIGQUIT)


def _make_data(account: str | None, *, home: Path, programs: Path) -> Path:
    data = home / "data"
    data.mkdir(mode=0o700)
    if account:
        for path in (home, data):
            os.chown(path, pwd.getpwnam(account).pw_uid, -1)
    subprocess.run(
        [programs / "initdb", "--auth=trust", "--encoding=utf8", "--username=postgres", "--no-sync", "-D", data],
        user=account,
        cwd=home,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return data


def _wait_for(server: subprocess.Popen[bytes], *, programs: Path, home: Path) -> None:
    asked: list[str | Path] = [programs / "pg_isready", "--quiet", "-h", home]
    while subprocess.run(asked, check=False).returncode != 0:
        if server.poll() is not None:
            sys.exit((home / "log").read_text())
        time.sleep(0.02)


def _programs_for(account: str | None, *, home: Path) -> Path:
    """Give the programs where the account can reach them; a home folder often is closed to others."""
    installation = find_installation()
    assert installation is not None
    if account and not all(part.stat().st_mode & 0o001 for part in installation.parents):
        installation = Path(shutil.copytree(installation, home / "programs"))
    return installation / "bin"


if __name__ == "__main__":
    main()
