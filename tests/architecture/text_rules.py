"""House rules about text of any kind: no package registry, no machine, no lock without hashes."""

from __future__ import annotations

import json
import re

# The dots are escaped, so that this file does not break its own rule.
REGISTRIES = re.compile(
    r"\b(?:pypi\.(?:org|python)|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|jsr\.io|crates\.io"
    r"|proxy\.golang\.org|rubygems\.org|anaconda\.org|repo\.maven)\b",
    re.IGNORECASE,
)
INDEX_OPTIONS = re.compile(
    r"(?:index[-_]url|default[-_]index|find[-_]links|registry)[\"']?\s*[=:\s]\s*[\"']?\w+://", re.IGNORECASE
)
# A home of nobody in particular may stand in an example.
MACHINE_PATHS = re.compile(
    r"(?<![\w.~/+=$}-])/(?:work|root|tmp|(?:home|Users)(?!/(?:op|operator|gateway|you)\b))/[\w.]"
)
LOCKED = re.compile(r"[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==\S+(?: ; .+)? \\$", re.IGNORECASE)


def registry_hosts(text: str) -> list[str]:
    """Find the hosts of package registries, and options that set one."""
    return [found[0] for pattern in (REGISTRIES, INDEX_OPTIONS) for found in pattern.finditer(text)]


def machine_paths(text: str) -> list[str]:
    """Find absolute paths that are true on one machine only."""
    return [found[0] for found in MACHINE_PATHS.finditer(text)]


def python_lock_faults(text: str) -> list[str]:
    """Find entries of a requirements lock without a pin or a hash, options, and addresses."""
    faults = [f"address: {line}" for line in text.splitlines() if "://" in line]
    for entry in re.split(r"\n(?=[^\s#])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)):
        head, _, rest = entry.strip().partition("\n")
        if not LOCKED.match(head):
            faults.append(f"no pin, or an option: {head!r}")
        elif not re.search(r"--hash=sha256:[0-9a-f]{64}", rest):
            faults.append(f"no hash: {head!r}")
    return faults


def node_lock_faults(text: str) -> list[str]:
    """Find entries of a package-lock that name an address or have no hash."""
    packages: dict[str, dict[str, object]] = json.loads(text)["packages"]
    faults = [f"address: {name}" for name, entry in packages.items() if "resolved" in entry]
    return faults + [f"no hash: {name}" for name, entry in packages.items() if name and "integrity" not in entry]


def pinned(text: str, name: str) -> str:
    """Give the version to which a requirements lock pins a package; empty when it does not."""
    found = re.search(rf"^{re.escape(name)}==(\S+)", text, flags=re.MULTILINE)
    return found[1] if found else ""
