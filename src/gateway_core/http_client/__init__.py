"""A small strict HTTP/1.1 client: pooled connections, deadlines for each phase, cancellation that leaks nothing."""

from gateway_core.http_client.client import HttpClient
from gateway_core.http_client.deadlines import Deadlines, Phase
from gateway_core.http_client.failures import (
    HttpCut,
    HttpDropped,
    HttpFailure,
    HttpForbidden,
    HttpMalformed,
    HttpTimedOut,
    HttpUnreachable,
)
from gateway_core.http_client.limits import AnswerLimits
from gateway_core.http_client.proxies import Proxies, Proxy, parse_proxy
from gateway_core.http_client.request_head import PreparedRequest
from gateway_core.http_client.response import HttpHeaders, HttpResponse

__all__ = [
    "AnswerLimits",
    "Deadlines",
    "HttpClient",
    "HttpCut",
    "HttpDropped",
    "HttpFailure",
    "HttpForbidden",
    "HttpHeaders",
    "HttpMalformed",
    "HttpResponse",
    "HttpTimedOut",
    "HttpUnreachable",
    "Phase",
    "PreparedRequest",
    "Proxies",
    "Proxy",
    "parse_proxy",
]
