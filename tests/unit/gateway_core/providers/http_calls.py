"""Providers over HTTP, and the calls that their tests make."""

from __future__ import annotations

from dataclasses import replace

from gateway_core.http_client import Deadlines, HttpClient
from gateway_core.inference.collect import collect_stream
from gateway_core.inference.ports import Lease
from gateway_core.inference.request import InferenceRequest, conversation_of
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.providers.http_provider import HttpProvider
from gateway_core.providers.registry import find_specs

KEY = Secret("key-0123456789")
LATE = Seconds(20)
PATIENT = Deadlines(connect=LATE, first_byte=LATE, idle=LATE, total=LATE)
CHAT = InferenceRequest("m1", conversation_of(system="", user="Hi"))
STREAM = replace(CHAT, stream=True)
LARGEST = 100_000
_SPECS = find_specs()


def build(client: HttpClient, name: str = "openai", *, deadlines: Deadlines = PATIENT) -> HttpProvider:
    """Build a provider of this release; its whole answers may have `LARGEST` bytes."""
    return HttpProvider(_SPECS[name], client, deadlines, LARGEST)


async def text_of(provider: HttpProvider, request: InferenceRequest, lease: Lease) -> str:
    """Make a call, read it to its end, and give its text."""
    return (await collect_stream(provider.stream(request, lease))).text
