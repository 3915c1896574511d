"""A collector of traces on loopback: OTLP over HTTP, kept in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.waiting import until

PHASES = ("queue", "load", "prefill", "decode")


@dataclass(frozen=True)
class Span:
    """A span, with its ids as `traceparent` writes them."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Any]


@dataclass
class Collector:
    """What has arrived so far."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)

    def take(self, path: str, media_type: str, body: bytes) -> None:
        assert (path, media_type) == ("/v1/traces", "application/x-protobuf")
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = _attributes(resource.resource.attributes)
            self.spans += [_read(span) for scope in resource.scope_spans for span in scope.spans]

    def requests(self) -> list[Span]:
        """Return the spans of requests."""
        return [span for span in self.spans if span.kind == "SERVER"]

    def phases(self, request: Span) -> dict[str, Span]:
        """Return the spans below that of a request, by name, in the order of time."""
        below = sorted((s for s in self.spans if s.parent == request.id), key=lambda s: (s.began, s.ended))
        found = {span.name: span for span in below}
        assert len(found) == len(below)
        return found

    async def request(self) -> Span:
        """Wait for the span of the only request, and return it."""
        (span,) = await self.wait_for(1)
        return span

    async def wait_for(self, count: int) -> list[Span]:
        """Wait until there are so many spans of requests, and return them."""
        return await until(f"{count} spans of requests", self.requests, lambda spans: len(spans) == count)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(self.path, self.headers["content-type"], body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _read(span: trace_pb2.Span) -> Span:
    return Span(
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        attributes=_attributes(span.attributes),
    )


def _attributes(given: Any) -> dict[str, Any]:
    pairs: list[KeyValue] = list(given)
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    assert kind
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)
