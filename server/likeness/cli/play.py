"""`likeness play`: replay a take in the browser."""

import asyncio
from dataclasses import replace
from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--port", default=0, help="HTTP port; default: any free one.")
@click.option("--browser/--no-browser", default=True, help="Open the page, or only print its address.")
def play(path: Path, port: int, browser: bool) -> None:
    """Open the page replaying a take. Ctrl-C ends it.

    \b
    Example:
      likeness play take.npz
    """
    from likeness.performance.take import Take
    from likeness.stage.config import load_config
    from likeness.transport.server import serve as serve_forever

    Take.load(path)  # a sentence now, rather than an error in the page
    settings = replace(load_config(None, port=port, grpc_port=0), takes=(path.resolve(),))
    page = "/?take=0"
    if not browser:
        click.echo(f"Open {page} on the address below.")
    asyncio.run(serve_forever(settings, open_page=page if browser else False))
