"""`likeness bench packet` prints what it promises; its timings are its own business."""

from click.testing import CliRunner

from likeness.cli.bench.packet import packet, run


def test_sizes_and_the_naive_encoder_agree_with_the_packet() -> None:
    figures = {figure.name.strip(): figure for figure in run(ticks=3)}
    assert figures["a frame: 50 components, head, both hands"].value == 176
    assert figures["the same, value by value with struct"].ok, "the bytes are equal"
    assert sum(name.startswith("layers and rig") for name in figures) == 4


def test_the_command_explains_itself() -> None:
    result = CliRunner().invoke(packet, ["--help"])
    assert result.exit_code == 0
    assert "likeness bench packet" in result.output
