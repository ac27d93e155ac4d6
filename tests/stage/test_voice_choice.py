"""Of many who speak at once the loudest few are heard, and nobody is cut off in a word."""

from likeness.stage.voice_choice import HOLD, MOST, STAY, VoiceChoice

PEOPLE = [f"p{k}" for k in range(8)]


def levels(*loud: float) -> dict[str, float]:
    return {id: loud[k] if k < len(loud) else 0.0 for k, id in enumerate(PEOPLE)}


def test_while_there_is_room_whoever_sounds_is_heard_at_once() -> None:
    choice = VoiceChoice()
    choice.update(0.0, levels(100, 5))
    assert set(choice.chosen) == {"p0", "p1"}


def test_the_loudest_few_are_chosen() -> None:
    choice = VoiceChoice()
    choice.update(0.0, levels(10, 80, 70, 60, 50, 40))
    assert set(choice.chosen) == {"p1", "p2", "p3", "p4"}
    assert len(set(choice.chosen)) == MOST


def test_a_breath_costs_nobody_their_place_and_a_little_louder_is_not_enough() -> None:
    choice = VoiceChoice()
    choice.update(0.0, levels(50, 50, 50, 50))
    choice.update(10.0, levels(50, 50, 50, 50, 90))
    assert "p4" not in choice.chosen
    choice.update(10.1, levels(40, 50, 50, 50, 90))
    assert "p4" in choice.chosen, "more than twice as loud as the quietest"
    assert "p0" not in choice.chosen


def test_whoever_has_just_been_chosen_stays_a_while() -> None:
    choice = VoiceChoice()
    choice.update(0.0, levels(10, 10, 10, 10))
    choice.update(STAY / 2, levels(10, 10, 10, 10, 900))
    assert "p4" not in choice.chosen
    choice.update(STAY * 1.1, levels(10, 10, 10, 10, 900))
    assert "p4" in choice.chosen


def test_a_silent_voice_keeps_its_place_until_it_is_wanted_or_long_silent() -> None:
    choice = VoiceChoice()
    choice.update(0.0, levels(50))
    choice.update(HOLD / 2, levels())
    assert set(choice.chosen) == {"p0"}
    choice.update(HOLD * 1.1, levels())
    assert not set(choice.chosen)


def test_who_leaves_gives_their_place_free() -> None:
    choice = VoiceChoice()
    choice.update(0.0, levels(50, 50, 50, 50))
    rest = levels(50, 50, 50, 50, 20)
    del rest["p0"]
    choice.update(0.1, rest)
    assert set(choice.chosen) == {"p1", "p2", "p3", "p4"}
