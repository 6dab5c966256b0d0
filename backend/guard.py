"""What every request passes before any route sees it, as one pure ASGI layer.

Host names (DNS rebinding), the Origin of sockets and of unsafe methods (cross-site requests), the type, size and depth
of bodies, security headers on every answer, and a problem+json for whatever breaks below.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import MEDIA_TYPE, Fault, Refusal, body, excerpt
from backend.settings import Settings

log = logging.getLogger("playground")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
DEPTH = 64
MISTAKE = "The server made a mistake; its log says which."
UPLOAD_PATH = "/api/v1/datasets/csv"
CSV_TYPES = frozenset({"text/csv", "application/csv", "text/plain", "application/octet-stream"})

CONTENT_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; worker-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]


class Guard:
    """Wraps an ASGI application; everything that is refused here never reaches it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            check_host(header(scope, b"host"), self.settings)
            check_origin(scope, self.settings)
        except Refusal as refusal:
            await _refuse_socket(scope, send, refusal)
            return
        await self.app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            check_host(header(scope, b"host"), self.settings)
            if scope["method"] in UNSAFE:
                check_origin(scope, self.settings)
            content = await self._body(scope, receive)
            await self.app(scope, replay(content, receive) if content is not None else receive, answer)
        except Refusal as refusal:
            await answer.problem(scope, refusal)
        except Exception:
            log.exception("A request to %s failed.", excerpt(scope.get("path", "")))
            await answer.problem(
                scope, Refusal(500, "internal_error", "The server made a mistake; its log says which.")
            )

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body of a request that has one, within its limits."""
        upload = scope["path"] == UPLOAD_PATH
        limit = self.settings.max_upload if upload else self.settings.max_body
        length = header(scope, b"content-length")
        if length.isdigit() and int(length) > limit:
            raise too_large(limit, int(length))
        if scope["method"] not in UNSAFE:
            return None
        content = await read(receive, limit)
        if content:
            check_type(header(scope, b"content-type"), CSV_TYPES if upload else frozenset({"application/json"}))
        if content and not upload:
            check_depth(content)
        return content


class Answer:
    """The answer on its way out: adds the security headers, and knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self.send, self.begun = send, False

    async def __call__(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.begun = True
            message["headers"] = [*message.get("headers", []), *SECURITY_HEADERS]
        await self.send(message)

    async def problem(self, scope: Scope, refusal: Refusal) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self.begun:
            return
        content = body(refusal.details(excerpt(scope["path"])))
        headers = problem_headers(content, refusal)
        await self({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


def problem_headers(content: bytes, refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """The headers of a problem+json answer."""
    own = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
    return [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(content)).encode()), *own]


def header(scope: Scope, name: bytes) -> str:
    """The value of a header, "" where there is none."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def check_host(host: str, settings: Settings) -> None:
    """Refuse a Host header that does not name this server: a rebound DNS name would make our answers readable."""
    name = host_name(host)
    if name in settings.host_names or is_address(name):
        return
    fault = Fault(
        code="unknown_host",
        message=f"This server is not called '{excerpt(host)}'.",
        hint="Use the address that was printed at the start, or set PLAYGROUND_ALLOWED_HOSTS.",
        expected=", ".join(sorted(settings.host_names)),
        got=excerpt(host),
        field="Host",
    )
    raise Refusal(421, "unknown_host", fault.message, [fault])


def host_name(host: str) -> str:
    """The name in a Host header, lower case, without port and brackets; "" when it is malformed."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?", host)
    return match[1].strip("[]").lower() if match else ""


def is_address(name: str) -> bool:
    """Whether this is a plain IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(scope: Scope, settings: Settings) -> None:
    """Refuse what a page from elsewhere asks for.

    A browser names the page's origin on every socket and unsafe request; it must be our own. A program that is no
    browser sends none, and is let through unless the browser says that the request crosses sites.
    """
    origins = [value.decode("latin-1") for key, value in scope["headers"] if key == b"origin"]
    site = header(scope, b"sec-fetch-site")
    if not origins and site in {"", "same-origin", "none"}:
        return
    if len(origins) == 1 and is_own(origins[0], header(scope, b"host"), settings.allowed_origins):
        return
    got = excerpt(origins[0]) if origins else f"a {excerpt(site)} request"
    fault = Fault(
        code="foreign_origin",
        message=f"This request comes from another page ({got}).",
        hint="Open the playground's own page.",
        expected="the origin of this server",
        got=got,
        field="Origin",
    )
    raise Refusal(403, "foreign_origin", fault.message, [fault])


def is_own(origin: str, host: str, allowed: Iterable[str]) -> bool:
    """Whether an origin is the server's own (scheme aside: a proxy may add TLS) or on the list."""
    if origin.lower() in {one.lower().rstrip("/") for one in allowed}:
        return True
    parts = urlsplit(origin)
    plain = parts.scheme in {"http", "https"} and origin == f"{parts.scheme}://{parts.netloc}"
    return plain and bool(host_name(parts.netloc)) and parts.netloc.lower() == host.lower()


async def read(receive: Receive, limit: int) -> bytes:
    """The body of a request, refused as soon as it grows over the limit."""
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "incomplete", "The request ended before its body was complete.")
        piece = message.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise too_large(limit, size)
        if not message.get("more_body", False):
            return b"".join(pieces)


def replay(content: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was already read, then what comes after it."""
    waiting = [content]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


def too_large(limit: int, size: int) -> Refusal:
    """A 413."""
    message = f"The request has more than {limit:,} bytes."
    fault = Fault(code="too_large", message=message, expected=f"at most {limit:,} bytes", got=f"{size:,} bytes or more")
    return Refusal(413, "too_large", message, [fault], {"Connection": "close"})


def check_type(given: str, wanted: frozenset[str]) -> None:
    """Refuse bodies that are not what they should be; a form of another site can never send JSON."""
    kind = given.split(";")[0].strip().lower()
    if kind in wanted or (kind.endswith("+json") and "application/json" in wanted):
        return
    expected = sorted(wanted)[0] if len(wanted) == 1 else "text/csv"
    message = f"This body must be sent as {expected}."
    fault = Fault(
        code="wrong_content_type",
        message=message,
        hint=f"Add the header 'Content-Type: {expected}'.",
        expected=expected,
        got=excerpt(given) or "no content type",
        field="Content-Type",
    )
    raise Refusal(415, "wrong_content_type", message, [fault])


def check_depth(content: bytes) -> None:
    """Refuse JSON that is nested deeper than anything of ours, before anything recursive reads it."""
    if content.count(b"[") + content.count(b"{") <= DEPTH:
        return
    depth = 0
    for match in re.finditer(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', content, re.DOTALL):
        sign = match[0][:1]
        depth += sign in (b"[", b"{")
        depth -= sign in (b"]", b"}")
        if depth > DEPTH:
            message = f"This JSON is nested more than {DEPTH} levels deep."
            fault = Fault(code="too_deep", message=message, expected=f"at most {DEPTH} levels", got="more")
            raise Refusal(422, "too_deep", message, [fault])


async def _refuse_socket(scope: Scope, send: Send, refusal: Refusal) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 4003, "reason": refusal.code})
        return
    content = body(refusal.details(excerpt(scope["path"])))
    headers = problem_headers(content, refusal)
    await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": content})
