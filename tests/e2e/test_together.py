"""People in one room, one of them in a headset: they see and hear each other and read what a host orders."""

from typing import Any

import pytest

from likeness.cli.bench.browser import ServedProcess, visit
from tests.e2e.shown import spoken

pytestmark = pytest.mark.browser
PATIENCE = 400
"""Seconds for each thing that is waited for, of pages that draw without a GPU on a busy machine."""
SERVER = "[stage]\nresume_seconds = 900\n"
"""A session waits for a page that a busy machine holds up."""
NOTHING = {"guest": "", "host": "", "list": ""}
ORDERS = (
    ("MUTE", "muted", {"guest": "A moderator has muted you", "host": "", "list": "muted"}),
    ("UNMUTE", "unmuted", NOTHING),
    ("FREEZE", "frozen", {"guest": "A moderator has frozen you", "host": "", "list": "frozen"}),
    ("UNFREEZE", "unfrozen", NOTHING),
    (
        "GIVE_FLOOR",
        "floor",
        {"guest": "You have the floor", "host": "Ada has the floor", "list": "has the floor"},
    ),
    ("OPEN_FLOOR", "floor", NOTHING),
)
"""What the host orders, the code of the guest's notice, and what both read for as long as it holds."""


@pytest.fixture(scope="module")
def together(server: ServedProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    result = visit(
        "together",
        server,
        timeout=3 * PATIENCE,
        patience=1000 * PATIENCE,
        viewport={"width": 320, "height": 260},
        recording=spoken(tmp_path_factory.mktemp("spoken")),
        sentence="Bonjour, how wonderful to meet you.",
        orders=ORDERS,
    )
    assert result["problems"] == []
    print("seconds:", result["steps"])
    return result


def test_a_code_brings_people_into_one_room_where_all_draw_all_in_the_same_seats(together: dict[str, Any]):
    companies = together["companies"]
    own = [[each["character"] for each in company if each["self"]] for company in companies]
    assert own == [["einstein"], ["curie"], ["plain"]]
    host, guest, headset = ({each["id"]: each["place"] for each in company} for company in companies)
    assert host == guest == headset
    assert len({(place["x"], place["z"]) for place in host.values()}) == 3


@pytest.mark.parametrize("who", ["spoken", "typed"])
def test_each_is_seen_and_heard_by_the_other_and_in_the_headset(together: dict[str, Any], who: str):
    print(together[who])
    assert len(together[who]) == 2
    screen, _ = together[who]
    assert screen["most"] - screen["least"] > 0.002, "the drawn lips part by millimetres"
    for seen in together[who]:
        assert seen["last"] > seen["first"], "and so does the headset draw later frames"
        assert seen["loudness"] > 0.01
        assert seen["mouth"] is not None, "the voice has a place in the room"


def test_a_headset_that_comes_late_sees_everybody(together: dict[str, Any]):
    entered, inside = together["entered"], together["inside"]
    assert entered["xr"]["presenting"] is True
    assert inside["xr"]["presenting"] is True
    assert inside["xr"]["frames"] > entered["xr"]["frames"]
    assert inside["mark"]["visible"] is True


def test_what_a_host_orders_is_read_by_whom_it_concerns(together: dict[str, Any]):
    """The scenario itself waits for what stands there while an order holds, and for that it goes."""
    orders = together["orders"]
    assert list(orders) == [act for act, _, _ in ORDERS]
    assert "muted you" in orders["MUTE"]["notice"]
    assert "froze you" in orders["FREEZE"]["notice"]
    assert "gave you the floor" in orders["GIVE_FLOOR"]["notice"]
    assert "opened the floor" in orders["OPEN_FLOOR"]["notice"]
    assert all(read["alerted"] for read in orders.values())


def test_a_missing_camera_is_named_and_the_typing_goes_on(together: dict[str, Any]):
    missing = together["noCamera"]
    assert "No camera was found" in missing["error"]
    assert "your voice and typing work without" in missing["error"]
    assert missing["error"] in missing["alerts"]
    assert missing["face"] == "off"
    assert "FINISHED" in [each["phase"] for each in together["said"]], "said after that"


def test_when_the_host_leaves_the_guest_moderates(together: dict[str, Any]):
    alone = together["alone"]
    assert alone["state"] == "live"
    assert [(p["self"], p["moderator"]) for p in alone["people"]] == [(True, True)]
