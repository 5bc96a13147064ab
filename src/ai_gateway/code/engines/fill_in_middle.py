"""Ask a model that was trained to fill a gap, in the form of its family.

Source: engine specification, section 1.7; model cards of the families.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ai_gateway.code.engines.ask import Ask
from gateway_core.inference.profile import Family
from gateway_core.inference.request import Completion, Sampling, conversation_of

_CODESTRAL_STOPS = ("[INST]", "[/INST]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]")
_CODESTRAL_SYSTEM = "Fill in the code that belongs between the prefix and the suffix. Answer with that code alone."


@dataclass(frozen=True, slots=True)
class FimFormat:
    """A family's marks around prefix and suffix; `chat` sends them as one user message."""

    form: str
    sampling: Sampling
    chat: bool = False


_CODESTRAL_FORM = "<s>[SUFFIX]{suffix}[PREFIX]{prefix}"

FORMATS: Mapping[Family, FimFormat] = {
    "codegemma": FimFormat(
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        Sampling(128, 0.95, stop=("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>")),
    ),
    "codellama": FimFormat(
        "<PRE> {prefix} <SUF> {suffix} <MID>", Sampling(128, 0.95, stop=("<PRE>", "<SUF>", "<MID>", "<EOT>"))
    ),
    "codestral": FimFormat(_CODESTRAL_FORM, Sampling(64, 0.32, stop=_CODESTRAL_STOPS), chat=True),
    "mistral": FimFormat(_CODESTRAL_FORM, Sampling(64, stop=_CODESTRAL_STOPS), chat=True),
    "mixtral": FimFormat(_CODESTRAL_FORM, Sampling(64, stop=_CODESTRAL_STOPS), chat=True),
    "deepseekcoder": FimFormat(
        "<\uff5cfim\u2581begin\uff5c>{prefix}<\uff5cfim\u2581hole\uff5c>{suffix}<\uff5cfim\u2581end\uff5c>",
        Sampling(128, 0.0),
    ),
    "granite": FimFormat(
        "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>",
        Sampling(64, 0.2, stop=("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>")),
    ),
    "qwen": FimFormat(
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        Sampling(
            48,
            0.95,
            stop=(
                "<|fim_prefix|>",
                "<|fim_suffix|>",
                "<|fim_middle|>",
                "<|fim_pad|>",
                "<|repo_name|>",
                "<|file_sep|>",
                "<|im_start|>",
                "<|im_end|>",
                "\n\n",
            ),
        ),
    ),
    "starcoder": FimFormat(
        "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>",
        Sampling(64, 0.2, stop=("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<file_sep>", "<|endoftext|>")),
    ),
}


def ask_to_fill(form: FimFormat, *, prefix: str, suffix: str) -> Ask:
    """Write the prompt of a family that fills gaps."""
    # Not str.format on the whole: braces in code would be taken for fields.
    before, _, rest = form.form.partition("{prefix}")
    if "{suffix}" in before:
        head, _, between = before.partition("{suffix}")
        text = f"{head}{suffix}{between}{prefix}{rest}"
    else:
        between, _, tail = rest.partition("{suffix}")
        text = f"{before}{prefix}{between}{suffix}{tail}"
    if form.chat:
        return Ask(conversation_of(system=_CODESTRAL_SYSTEM, user=text), form.sampling, fenced=True)
    return Ask(Completion(text), form.sampling)
