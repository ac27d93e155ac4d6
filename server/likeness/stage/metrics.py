"""StageMetrics: what a stage counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_MILLISECONDS = (0.001, 0.002, 0.004, 0.006, 0.008, 0.012, 0.0167, 0.025, 0.05, 0.1, 0.25)


class StageMetrics:
    """Counters of one stage on a registry of their own."""

    def __init__(self) -> None:
        r = self.registry = CollectorRegistry()
        self.sessions = Gauge(
            "likeness_sessions", "Sessions, those that wait for their person included", registry=r
        )
        self.rooms = Gauge("likeness_rooms", "Rooms", registry=r)
        self.opened = Counter("likeness_sessions_opened", "Sessions opened", registry=r)
        self.resumed = Counter("likeness_sessions_resumed", "Sessions resumed", registry=r)
        self.refused = Counter("likeness_hellos_refused", "Hellos refused", ["code"], registry=r)
        self.frames = Counter("likeness_frames", "Frames made", registry=r)
        self.late_frames = Counter(
            "likeness_late_frames", "Frames made more than one frame after their time", registry=r
        )
        self.voice_blocks = Counter("likeness_voice_blocks", "Voice blocks of 20 ms made", registry=r)
        self.seals = Counter("likeness_seals", "Seals made", registry=r)
        self.rejected = Counter(
            "likeness_messages_rejected", "Client messages that could not be used", registry=r
        )
        self.slipped = Counter("likeness_slipped_ticks", "Ticks lost to stalls of the process", registry=r)
        self.failed_passes = Counter("likeness_failed_passes", "Passes that raised", registry=r)
        self.provenance_failures = Counter(
            "likeness_provenance_failures", "Streams stopped because sealing or logging failed", registry=r
        )
        self.pass_seconds = Histogram(
            "likeness_pass_seconds",
            "Duration of one pass over all performers",
            buckets=_MILLISECONDS,
            registry=r,
        )
        self.slow_readers = Counter(
            "likeness_slow_readers", "Readers cut because they were too slow", registry=r
        )
        self.animations = Gauge("likeness_animations", "Animate calls under way", registry=r)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)
