from pathlib import Path

import pytest

from likeness.head import load_character
from likeness.provenance import driver_name, make_tag, mark_text
from likeness.provenance.tag import driver_number
from likeness.v1 import stream_pb2


def test_the_mark_says_who_is_portrayed_and_what_drives_it() -> None:
    tag = make_tag(load_character("einstein"), stream_pb2.DRIVER_TEXT, "01JD")
    assert tag.mark == mark_text(tag) == "GEN - Albert Einstein - driven by: text"
    assert tag.generated
    assert (tag.character, tag.portrays, tag.driven_by) == ("einstein", "Albert Einstein", "text")
    assert tag.software.startswith("likeness ")
    assert tag.issued.endswith("Z")


@pytest.mark.parametrize("driver", [d for d in stream_pb2.Driver.values() if d])
def test_every_driver_has_a_name_of_its_own(driver: int) -> None:
    assert driver_name(driver) != "unknown"
    assert driver_number(driver_name(driver)) == driver


def test_an_unknown_driver_is_said_to_be_unknown() -> None:
    assert driver_name(99) == driver_name(0) == "unknown"
    assert driver_number("magic") == 0


def test_no_one_else_writes_marks() -> None:
    """Every mark is made by mark_text; the recorder of takes writes a draft that sealing replaces."""
    server = Path(__file__).parents[2] / "server" / "likeness"
    writers = {p.relative_to(server).as_posix() for p in server.rglob("*.py") if 'f"GEN -' in p.read_text()}
    assert writers <= {"provenance/tag.py", "performance/perform.py"}
