"""The `.env` file: where it is and what it says."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream
from dotenv.variables import parse_variables

from gateway_core.kernel.errors import SettingInvalid


def find_env_file(start: Path) -> Path | None:
    """Find the nearest `.env` from a folder upwards."""
    return next((folder / ".env" for folder in (start, *start.parents) if (folder / ".env").is_file()), None)


def parse_env_file(path: Path, *, environ: Mapping[str, str]) -> dict[str, str]:
    """Read a `.env` file; `${NAME}` stands for an earlier line's value, else the environment's.

    A line without a value gives nothing. Raises SettingInvalid for a file or a line that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingInvalid(f"The settings file {str(path)!r} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingInvalid(f"The settings file {str(path)!r} is not UTF-8 text; save it as UTF-8.") from error
    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            line = binding.original.line
            raise SettingInvalid(
                f"Line {line} of the settings file {str(path)!r} is not NAME=value; mend or remove it."
            )
        if binding.key and binding.value is not None:
            known = {**environ, **values}
            values[binding.key] = "".join(atom.resolve(known) for atom in parse_variables(binding.value))
    return values
