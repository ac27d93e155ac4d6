"""A mirror shows the own character, and its mark the right way round."""

import numpy as np
import pytest
from PIL import Image

from likeness.cli.bench.browser import ServedProcess, visit

pytestmark = pytest.mark.browser


def test_a_mirror_shows_the_own_character_and_its_mark(server: ServedProcess):
    result = visit("mirror", server, timeout=400, viewport={"width": 640, "height": 480})
    assert result["problems"] == []
    assert result["view"] == "be"
    # The character is seen in the mirror alone, and the picture still carries its mark.
    assert result["seen"]["probe"]["ink"] > 0.9
    picture = np.asarray(Image.open(result["picture"]).convert("L"), float)
    mark = result["mark"]
    left, right = round(mark["x"]), round(mark["x"] + mark["width"])
    top, bottom = round(mark["y"]), round(mark["y"] + mark["height"])
    plate = picture[top:bottom, left:right]
    beside = picture[top:bottom, left - 40 : left - 8]
    assert plate.size > 200
    assert plate.mean() > 1.25 * beside.mean(), "a plate of brass on dark wood"
    assert plate.std() > 4, "with letters on it"
