"""`likeness track`: a camera or a video drives a character, with MediaPipe in its own environment."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import click

from likeness.cli.progress import progress_bar
from likeness.errors import InputError, MachineError


@click.command()
@click.option("--setup", is_flag=True, help="Install MediaPipe into an environment of its own, once.")
@click.option("--camera", type=click.IntRange(0, 63), help="Number of the camera; 0 is the first.")
@click.option("--video", type=click.Path(path_type=Path), help="A video file instead of a camera.")
@click.option("--server", help="HOST:PORT of a server's gRPC: be the character there, live.")
@click.option("--token", envvar="LIKENESS_TOKEN", default="", help="A token, where the server asks for one.")
@click.option("--room", default="", help="Join this room; default: a new one.")
@click.option("--character", "-c", default="plain", show_default=True, help="Whom to be.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Write a take (.npz) instead; videos only."
)
@click.option("--seed", default=0, show_default=True, help="Seed of idle life in a take.")
def track(
    setup: bool,
    camera: int | None,
    video: Path | None,
    server: str | None,
    token: str,
    room: str,
    character: str,
    output: Path | None,
    seed: int,
) -> None:
    """Let a face in front of a camera, or in a video, drive a character.

    The pictures stay on this machine: only landmarks are sent. The first second is taken as the neutral
    face, so look at the camera calmly.

    \b
    Examples:
      likeness track --setup
      likeness track --camera 0 --character einstein --server localhost:50051
      likeness track --video interview.mp4 --character curie -o take.npz
    """
    if setup:
        from likeness.tracking.media_pipe import install_tracking

        python = asyncio.run(install_tracking(click.echo))
        click.echo(f"Ready: {python}")
        return
    if (camera is None) == (video is None):
        raise InputError("say what to track: --camera 0, or --video FILE (see likeness track --help).")
    if output is not None:
        if video is None:
            raise InputError("a take is written of a video: give --video FILE with -o.")
        if output.suffix.lower() != ".npz" or not output.resolve().parent.is_dir():
            raise InputError(f"{output}: a take is an .npz file in a folder that exists.")
        asyncio.run(_offline(video, character, output, seed))
    else:
        asyncio.run(_live(camera, video, server or "localhost:50051", token, room, character))


async def _offline(video: Path, character: str, output: Path, seed: int) -> None:
    from likeness.head import data_dir, load_character, load_head
    from likeness.performance.perform import perform_tracking
    from likeness.provenance import seal_take
    from likeness.speech.audio_file import read_audio
    from likeness.tracking.face import TrackedFace
    from likeness.tracking.landmark_solver import LandmarkSolver
    from likeness.tracking.media_pipe import track_mesh
    from likeness.tracking.person import PersonTracker
    from likeness.tracking.person import track as solve

    who = load_character(character)
    stream = await track_mesh(video=video)
    solver, person = LandmarkSolver(load_head("open")), PersonTracker()
    faces: list[TrackedFace] = []
    with progress_bar(f"Tracking {video.name}") as progress:
        async for frame in stream.frames:
            (face,) = solve(solver, [person], [frame])
            if face is not None:
                faces.append(face)
            if stream.count:
                progress(min(len(faces) / stream.count, 0.999))
    if not any(face.confidence.any() for face in faces):
        raise InputError(f"{video}: no face was found in its {len(faces)} pictures.")
    try:
        pcm = read_audio(video)
    except InputError:
        pcm = None  # a silent film
    with progress_bar(f"{who.name} moves") as progress:
        take = perform_tracking(faces, pcm, who, seed=seed, progress=progress)
    sealed = seal_take(take, data_dir=data_dir())
    sealed.save(output)
    click.echo(f"{output}: {sealed.summary()}")


async def _live(
    camera: int | None, video: Path | None, server: str, token: str, room: str, character: str
) -> None:
    import grpc

    from likeness.tracking.landmarks import encode
    from likeness.tracking.media_pipe import track_mesh
    from likeness.v1 import likeness_pb2_grpc
    from likeness.v1.room_pb2 import ClientMessage, Consent, Hello

    stream = await track_mesh(camera=camera, video=video)
    welcomed = asyncio.Event()
    sent = 0

    async def messages() -> AsyncIterator[ClientMessage]:
        nonlocal sent
        yield ClientMessage(hello=Hello(character=character, room=room, token=token, scene="mirror"))
        await welcomed.wait()
        # Whoever starts the tracker on their own face allows it by that; Ctrl-C takes it back.
        yield ClientMessage(consent=Consent(face_capture=True))
        start = asyncio.get_running_loop().time()
        async for frame in stream.frames:
            if video is not None:
                await asyncio.sleep(max(0.0, start + frame.time / 1000 - asyncio.get_running_loop().time()))
            yield ClientMessage(motion=encode(frame))
            sent += 1
        yield ClientMessage(consent=Consent(face_capture=False))

    async with grpc.aio.insecure_channel(server) as channel:
        try:
            async for message in likeness_pb2_grpc.LikenessStub(channel).Join(messages()):
                match message.WhichOneof("body"):
                    case "welcome":
                        welcomed.set()
                        click.echo(f"In room {message.welcome.room} as {character}. Ctrl-C ends it.")
                    case "mark":
                        click.echo(message.mark.tag.mark)
                    case "notice":
                        click.echo(message.notice.text, err=True)
                    case _:
                        pass
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise MachineError(
                    f"no Likeness server answers at {server}: start it with `likeness serve`, "
                    "or check the address."
                ) from None
            raise InputError(error.details() or str(error.code())) from None
    click.echo(f"{sent} pictures were tracked.")
