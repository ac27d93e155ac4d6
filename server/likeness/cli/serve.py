"""`likeness serve`: the server."""

import asyncio
from pathlib import Path

import click


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="likeness.toml; see likeness.example.toml.")
@click.option("--host", help="Address to bind. Anything but loopback needs a token secret.")
@click.option("--port", type=click.IntRange(0, 65535), help="HTTP port (default 8080; 0: any free one).")
@click.option(
    "--grpc-port", type=click.IntRange(0, 65535), help="gRPC port (default 50051; 0: any free one)."
)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of keys, ledger and takes.")
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser when ready.")
def serve(
    config: Path | None,
    host: str | None,
    port: int | None,
    grpc_port: int | None,
    data: Path | None,
    open_page: bool,
) -> None:
    """Start the server: the page on http://localhost:8080, WebRTC, WebSocket, and gRPC on port 50051.

    With no options it binds to this machine only and needs no configuration.

    \b
    Examples:
      likeness serve
      likeness serve --config likeness.toml
      likeness serve --port 9000 --data ./museum
    """
    from likeness.stage.config import load_config
    from likeness.transport.server import serve as serve_forever

    settings = load_config(config, host=host, port=port, grpc_port=grpc_port, data=data)
    asyncio.run(serve_forever(settings, open_page=open_page))
