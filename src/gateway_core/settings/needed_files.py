"""Files that must be there when a setting that needs them is on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway_core.settings.catalogue import Setting, all_settings
from gateway_core.settings.given import Given
from gateway_core.settings.model import Settings
from gateway_core.settings.refusals import Refusal

Sources = Mapping[tuple[str, ...], tuple[Setting, Given]]


def list_missing_files(settings: Settings, *, given: Sources) -> list[Refusal]:
    """List the certificate and key files that are needed but not set or not readable."""
    needs: list[tuple[tuple[str, ...], Path | None]] = []
    tls, workflow_tls, mtls = settings.fastapi.tls, settings.duo_workflow.tls, settings.mtls
    if tls.enabled:
        needs += [(("fastapi", "tls", "cert_file"), tls.cert_file), (("fastapi", "tls", "key_file"), tls.key_file)]
    if mtls.enabled:
        needs += [(("mtls", "cert_file"), mtls.cert_file), (("mtls", "key_file"), mtls.key_file)]
        needs += [(("mtls", "ca_bundle"), mtls.ca_bundle)] if mtls.ca_bundle else []
    if workflow_tls.enabled:
        needs += [
            (("duo_workflow", "tls", "cert_file"), workflow_tls.cert_file),
            (("duo_workflow", "tls", "key_file"), workflow_tls.key_file),
        ]
    refusals = (_check(path, file=file, given=given) for path, file in needs)
    return [refusal for refusal in refusals if refusal]


def _check(path: tuple[str, ...], *, file: Path | None, given: Sources) -> Refusal | None:
    """Say what is wrong with a needed file; None when it can be read."""
    if path not in given or file is None:
        variable = next(setting.variable for setting in all_settings() if setting.path == path)
        switch = f"{variable.rpartition('__')[0]}__ENABLED"
        return Refusal(variable, f"{variable} is not set, but {switch} is true; give the path of a PEM file.")
    setting, source = given[path]
    try:
        with file.open("rb"):
            return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        sentence = f"{source.called(setting)} cannot be read ({reason}); give the path of a PEM file."
        return Refusal(source.name, sentence)
