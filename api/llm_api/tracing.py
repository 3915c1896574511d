"""Traces by OpenTelemetry: a span for each request to a route that generates, and one for each of its phases.

Imported where LLM_OTLP_ENDPOINT is set, and nowhere else: without traces, OpenTelemetry's SDK costs nothing.
The attributes are those of the conventions for generative AI (gen-ai-spans.md of
https://github.com/open-telemetry/semantic-conventions-genai) and for HTTP servers. No text that a client or a
model wrote is in a span.
"""

import asyncio
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, Tracer, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from starlette.datastructures import Headers
from starlette.types import Scope

from llm_api.errors import ClientLeftError
from llm_api.record import Phases, RequestRecord, clock
from llm_api.upstream.client import Job

# Together less than the 5 s that a pod has left after its grace period (terminationGracePeriodSeconds).
EXPORT_SECONDS, CLOSE_SECONDS = 3, 1
W3C = TraceContextTextMapPropagator()
NANO = 1_000_000_000

# By the path of the runtime's API.
OPERATIONS = {"/api/chat": "chat", "/api/generate": "text_completion", "/api/embed": "embeddings"}
# By the name that Ollama has for it. The texts that end an answer (`stop`) are left out, as all texts are.
OPTIONS: dict[str, tuple[str, type[int | float]]] = {
    "num_predict": ("gen_ai.request.max_tokens", int),
    "temperature": ("gen_ai.request.temperature", float),
    "top_p": ("gen_ai.request.top_p", float),
    "top_k": ("gen_ai.request.top_k", float),
    "seed": ("gen_ai.request.seed", int),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", float),
    "presence_penalty": ("gen_ai.request.presence_penalty", float),
}
MAX_NUMBER = 2**63
Attributes = dict[str, AttributeValue]


class Tracing:
    """Sends the spans of all requests to a collector, from a thread of its own.

    The SDK's own variables, OTEL_*, hold for everything but the address: sampling, headers, attributes.
    """

    def __init__(self, endpoint: str) -> None:
        self._exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=EXPORT_SECONDS)
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("llm_api")

    def begin(self, record: RequestRecord, scope: Scope, headers: Headers) -> "Trace":
        """Begin the trace of a request, or continue its client's."""
        return Trace(self._tracer, record, scope, headers)

    async def close(self) -> None:
        """Send what is left; give up after a moment."""
        end = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._exporter.shutdown)
        try:
            await asyncio.to_thread(self._provider.shutdown)
        finally:
            end.cancel()


class Trace:
    """The spans of one request. Those of its phases follow from its record, once it has ended."""

    def __init__(self, tracer: Tracer, record: RequestRecord, scope: Scope, headers: Headers) -> None:
        self._tracer = tracer
        self._epoch = time.time_ns() - round(clock() * NANO)
        self._operation, self._stream = "", False
        self._span = tracer.start_span(
            f"{scope['method']} {record.route}",
            W3C.extract({name: headers.getlist(name) for name in W3C.fields}),
            # The conventions describe the client's side of a generation. This is the other one.
            SpanKind.SERVER,
            start_time=self._at(record.arrived),
            attributes={
                "http.request.method": scope["method"],
                "http.route": record.route,
                "url.path": record.route,
                "url.scheme": scope["scheme"],
            },
        )
        self._context = set_span_in_context(self._span, Context())
        context = self._span.get_span_context()
        if context.trace_flags.sampled:
            record.exemplar = {"trace_id": format_trace_id(context.trace_id)}

    def carry(self, job: Job) -> Job:
        """Note what a job asks for; return it with the headers that continue the trace at the runtime."""
        self._operation, self._stream = OPERATIONS[job.path], job.stream
        self._span.set_attributes(_asked(job))
        carrier: dict[str, str] = {}
        W3C.inject(carrier, self._context)
        headers = tuple((name.encode(), value.encode()) for name, value in carrier.items())
        return replace(job, headers=headers)

    def end(self, record: RequestRecord) -> None:
        """End the request's span with what the record says, and add those of the phases it reached."""
        span, now = self._span, self._at(clock())
        if not span.is_recording():
            return
        for name, began, ended in _reached(record.phases) if record.phases else ():
            phase = self._tracer.start_span(name, self._context, start_time=self._at(began))
            phase.end(self._at(ended))
        if self._operation:
            span.update_name(f"{self._operation} {record.model}".rstrip())
        span.set_attributes(self._answered(record))
        if error := _error(record):
            span.set_attribute("error.type", error)
            # A server's span is no error if the client made it: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
            if not 400 <= record.status < 500:
                span.set_status(StatusCode.ERROR)
        span.end(now)

    def _at(self, moment: float) -> int:
        """Return a timestamp of `clock` in nanoseconds since 1970."""
        return self._epoch + round(moment * NANO)

    def _answered(self, record: RequestRecord) -> Attributes:
        found: Attributes = {"http.response.header.x-request-id": [record.id]}
        if record.status:
            found["http.response.status_code"] = record.status
        if self._operation and record.model:
            found["gen_ai.request.model"] = record.model
        if self._stream and record.phases and record.phases.time_to_first_token is not None:
            found["gen_ai.response.time_to_first_chunk"] = record.phases.time_to_first_token
        if record.outcome == "ok":
            found["gen_ai.response.model"] = record.model
            found["gen_ai.usage.input_tokens"] = record.usage.prompt_tokens
            if self._operation != "embeddings":
                found["gen_ai.usage.output_tokens"] = record.usage.generated_tokens
                found["gen_ai.response.finish_reasons"] = record.finish_reasons
        return found


def _resource() -> Resource:
    """Return what the spans come from; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have precedence."""
    own = {"service.name": "llm-api", "service.instance.id": socket.gethostname()}
    return Resource.create(own | dict(OTELResourceDetector().detect().attributes))


def _asked(job: Job) -> Attributes:
    options = job.payload.get("options", {})
    found: Attributes = {
        attribute: kind(options[name])
        for name, (attribute, kind) in OPTIONS.items()
        if isinstance(options.get(name), int | float) and abs(options[name]) < MAX_NUMBER
    }
    found |= {"gen_ai.operation.name": OPERATIONS[job.path], "gen_ai.provider.name": "ollama"}
    if job.stream:
        found["gen_ai.request.stream"] = True
    if job.choices > 1:
        found["gen_ai.request.choice.count"] = job.choices
    if job.payload.get("format"):
        found["gen_ai.output.type"] = "json"
    return found


def _reached(phases: Phases) -> Iterator[tuple[str, float, float]]:
    """Yield the phases that a request reached, with the timestamps between which they lasted."""
    names = ["queue"]
    if phases.dispatched is not None:
        names += ["load", "prefill"]
    if phases.first_token is not None:
        names += ["decode"]
    moment, durations = phases.arrived, phases.durations
    for name in names:
        began, moment = moment, moment + getattr(durations, name)
        yield name, began, moment


def _error(record: RequestRecord) -> str:
    """Return the kind of the failure: an error's code, or a status; "" if there was none."""
    if record.outcome == "cancelled":
        return record.error or ClientLeftError.code
    return record.error or (str(record.status) if record.status >= 400 else "")
