"""The issuer's own process: serves two documents on loopback, and misbehaves when it is told to.

Started by `fakes.issuer`, which is the only one to speak with it: one JSON object a line on
stdin, one JSON answer a line on stdout. It ends when its stdin does. It imports little, so that
it starts in a tenth of a second.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

MOVED = "/moved"
Reply = tuple[int, str, bytes]


class State:
    """What is served, how, and who asked; shared by the threads of all connections."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.behaviour: dict[str, str] = {}
        self.hits: Counter[str] = Counter()
        self.connections: set[socket.socket] = set()
        self.changed = threading.Event()

    def behave(self, how: str, paths: list[str]) -> None:
        """Behave like this at these paths from now on; requests that stall are let go."""
        self.behaviour.update(dict.fromkeys(paths, how))
        self.changed.set()
        self.changed = threading.Event()

    def drop_connections(self) -> None:
        """Close whatever is open."""
        self.changed.set()
        self.changed = threading.Event()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                # Its other side was faster.
                continue


class Server(ThreadingHTTPServer):
    """Serve one state, over TLS when there is a context."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, state: State, context: ssl.SSLContext | None) -> None:
        self.state = state
        self.context = context
        super().__init__(("127.0.0.1", port), Handler)

    @override
    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Know the connection from its first moment, so that it cannot outlive the server."""
        if isinstance(request, socket.socket):
            self.state.connections.add(request)
        super().process_request(request, client_address)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that leave are what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    """Answer the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    @override
    def setup(self) -> None:
        """Shake hands here, in the connection's own thread: one that stalls must not hold up the others."""
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
            self.server.state.connections.add(self.request)
        super().setup()

    @override
    def finish(self) -> None:
        """Forget the connection."""
        super().finish()
        self.server.state.connections.discard(self.request)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer as the path behaves just now."""
        state = self.server.state
        gate = state.changed
        state.hits[self.path] += 1
        how, _, word = state.behaviour.get(self.path, "well").partition(":")
        match how:
            case "stall":
                gate.wait()
                self.close_connection = True
            case "slow":
                gate.wait(float(word))
                self._answer(self._document())
            case "redirect":
                self._redirect(word or MOVED + self.path)
            case "redirect_loop":
                self._redirect(self.path)
            case "half":
                self._answer(self._document(), share=0.5)
            case "large":
                self._answer((200, "application/json", b'"' + b"x" * int(word) + b'"'))
            case _:
                self._answer(REPLIES.get(how) or self._document())

    def _document(self) -> Reply:
        body = self.server.state.documents.get(self.path.removeprefix(MOVED))
        return (404, "text/plain", b"not found") if body is None else (200, "application/json", body)

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, reply: Reply, *, share: float = 1.0) -> None:
        status, kind, body = reply
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: int(len(body) * share)])
        self.close_connection = share < 1.0


REPLIES: dict[str, Reply] = {
    "html": (200, "text/html", b"<!DOCTYPE html><html><body>Sign in</body></html>"),
    "server_error": (500, "text/plain", b"out of order"),
    "not_found": (404, "text/html", b"<!DOCTYPE html><html><body>No such page</body></html>"),
    "empty": (200, "application/json", b'{"keys": []}'),
    "nothing": (200, "application/json", b""),
}


class Program:
    """Obey the orders that come on stdin."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.state = State()
        self.context = context
        # Keeps the port ours while nobody listens on it: a socket that is bound and does not listen refuses.
        self.port_holder = socket.socket()
        self.port_holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port_holder.bind(("127.0.0.1", 0))
        self.port: int = self.port_holder.getsockname()[1]
        self.server: Server | None = None
        self.come_back()

    def come_back(self) -> None:
        """Listen, on the port of the first time."""
        self.server = Server(self.port, self.state, self.context)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def go_away(self) -> None:
        """Stop listening and drop every connection."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
        self.state.drop_connections()

    def obey(self, order: dict[str, object]) -> object:
        """Carry out one order; gives the answer to it."""
        match order:
            case {"do": "serve", "documents": dict(documents)}:
                self.state.documents = {path: text.encode() for path, text in documents.items()}
            case {"do": "behave", "how": str(how), "paths": list(paths)}:
                self.state.behave(how, paths)
            case {"do": "hits", "path": str(path)}:
                return self.state.hits[path]
            case {"do": "go_away"}:
                self.go_away()
            case {"do": "come_back"}:
                self.come_back()
            case _:
                return f"not understood: {order}"
        return None


def build_context(tls: dict[str, str]) -> ssl.SSLContext | None:
    """Build what TLS needs; `client_ca` demands a certificate of the client."""
    if not tls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls["certificate"], tls["key"])
    if "client_ca" in tls:
        context.load_verify_locations(tls["client_ca"])
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def say(answer: object) -> None:
    """Write one answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until stdin ends."""
    program = Program(build_context(json.loads(sys.argv[1])))
    say(program.port)
    for line in sys.stdin:
        say(program.obey(json.loads(line)))


if __name__ == "__main__":
    main()
