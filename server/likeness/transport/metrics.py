"""WebMetrics: what the web transports count, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class WebMetrics:
    """Counters of one web server on a registry of their own."""

    def __init__(self) -> None:
        r = self.registry = CollectorRegistry()
        self.connections = Gauge("likeness_connections", "Connections now", ["transport"], registry=r)
        self.ended = Counter(
            "likeness_connections_ended", "Connections ended", ["transport", "why"], registry=r
        )
        self.dropped = Counter(
            "likeness_datagrams_dropped", "Motion that newer motion replaced", ["transport"], registry=r
        )
        self.sent = Counter("likeness_sent_bytes", "Bytes of control and motion", ["transport"], registry=r)
        self.round_trip = Histogram(
            "likeness_round_trip_seconds",
            "Round trip on the motion channel",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
            registry=r,
        )
        self.answers = Counter(
            "likeness_http_errors", "HTTP answers of 400 and above", ["status"], registry=r
        )

    def end(self, transport: str, reason: str, dropped: int, sent: int) -> None:
        """One connection is over. Reasons that are sentences count as "stage"."""
        self.connections.labels(transport).dec()
        self.ended.labels(transport, reason if reason in _REASONS else "stage").inc()
        self.dropped.labels(transport).inc(dropped)
        self.sent.labels(transport).inc(sent)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


_REASONS = frozenset({"closed", "silent", "slow", "flood", "channels", "not connected"})
