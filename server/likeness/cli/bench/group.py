"""`likeness bench`: the benchmarks by name."""

import click

from likeness.cli.main import LazyGroup


@click.group(
    cls=LazyGroup,
    epilog="""\b
Examples:
  likeness bench head                     FLAME evaluation beside the smplx package
  likeness bench live --streams 50        live microphones through the real server
  likeness bench sync --seconds 60        sound and face in a real browser
""",
    lazy={
        "head": ("likeness.cli.bench.head:head", "FLAME evaluation, beside smplx in the same run."),
        "lips": ("likeness.cli.bench.lips:lips", "Lip closures, vowels and rounding on held-back voices."),
        "packet": ("likeness.cli.bench.packet:packet", "Packet size; cost of layers and encoding."),
        "say": ("likeness.cli.bench.say:say", "Text in, first voice and face packet out."),
        "live": (
            "likeness.cli.bench.live:live",
            "Live streams through the real server: latency, frames on time.",
        ),
        "room": ("likeness.cli.bench.room:room", "One room of many seats: latency, late join, resume."),
        "seal": ("likeness.cli.bench.seal:seal", "Sealing a chunk; appending to the ledger."),
        "sync": ("likeness.cli.bench.sync:sync", "Heard-to-drawn offset in a real browser."),
        "page": ("likeness.cli.bench.page:page", "Server to ready; page to picture; back after a cut."),
        "tracking": (
            "likeness.cli.bench.tracking:tracking",
            "A drawn face tracked back to what it did; cost of the solver.",
        ),
        "camera": (
            "likeness.cli.bench.camera:camera",
            "A camera's picture to another browser's mesh.",
        ),
        "unity": ("likeness.cli.bench.unity:unity", "The Unity client's core on Mono."),
        "render": ("likeness.cli.bench.render:render", "Draw calls, triangles and frame cost in a browser."),
    },
)
def bench() -> None:
    """Print the figures we promise, measured here. Exits with 1 when a promise is missed."""
