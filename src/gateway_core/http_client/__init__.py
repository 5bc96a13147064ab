"""A small strict HTTP/1.1 client: pooled connections, deadlines for each phase, cancellation that leaks nothing."""

from gateway_core.http_client.client import HttpClient
from gateway_core.http_client.deadlines import Deadlines, Phase
from gateway_core.http_client.failures import HttpCut, HttpFailure, HttpMalformed, HttpTimedOut, HttpUnreachable
from gateway_core.http_client.response import HttpHeaders, HttpResponse

__all__ = [
    "Deadlines",
    "HttpClient",
    "HttpCut",
    "HttpFailure",
    "HttpHeaders",
    "HttpMalformed",
    "HttpResponse",
    "HttpTimedOut",
    "HttpUnreachable",
    "Phase",
]
