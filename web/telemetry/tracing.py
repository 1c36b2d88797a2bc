"""OpenTelemetry, an extra that is off by default: a span for each request, in the trace that it came with.

The standard's own variables say where spans go and which are kept: OTEL_EXPORTER_OTLP_ENDPOINT and the like.
"""

import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from web.telemetry.ending import at_end
from web.telemetry.requests import Answered

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SERVICE = "usage-ledger"


class Tracing:
    """Ends a span for each answered request."""

    def __init__(self, processor: SpanProcessor | None = None) -> None:
        resource = Resource.create({"service.name": SERVICE, "service.version": version("usage-ledger")})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(SERVICE)
        self._propagator = TraceContextTextMapPropagator()
        at_end(self._provider.shutdown)

    def answered(self, request: Answered, environ: "WSGIEnvironment") -> None:
        """Tell of a request that ends now."""
        carrier = {
            name: environ[key]
            for name, key in (("traceparent", "HTTP_TRACEPARENT"), ("tracestate", "HTTP_TRACESTATE"))
            if key in environ
        }
        end = time.time_ns()
        span = self._tracer.start_span(
            f"{request.method} {request.route}",
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            start_time=end - int(request.seconds * 1e9),
            attributes={
                "http.request.method": request.method,
                "http.route": request.route,
                "http.response.status_code": int(request.status),
                "url.path": request.path,
                "ledger.request_id": request.request_id,
                "ledger.user": request.user.hex if request.user else "",
                "ledger.position": request.position or 0,
            },
        )
        if request.status.startswith("5"):
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)
