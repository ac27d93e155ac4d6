import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import InputError, LikenessError, LimitError
from likeness.speech.text import clean_text, split_scripts, split_sentences


@pytest.mark.parametrize(
    "text", ["", "   \n\t ", "\x00\x01\x02", "...", "?!", "😀🎉", "<break/>", "\u200b\u200d", "<a>"]
)
def test_nothing_to_say_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match="at least one word"):
        clean_text(text)


@pytest.mark.parametrize("text", ["a" * 4001, "word " * 210_000, "é" * 1_000_000, "<b>xy</b> " * 2_000])
def test_long_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(LimitError, match=r"4,000 can be said at once. Cut it"):
        clean_text(text)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hello", "Hello"),
        ("  two \t words\n", "two words"),
        ('<speak version="1.0">One <break time="300ms"/>two</speak>', "One two"),
        ("<!-- no --><p>yes</p>", "yes"),
        ("3 < 5 and 7 > 2", "3 < 5 and 7 > 2"),
        ("Fish &amp; chips", "Fish & chips"),
        ("Well done 👏🏽🎉 indeed", "Well done indeed"),
        ("a\x00b\x07c\u200bd", "abcd"),
        ("你好，爱因斯坦。", "你好，爱因斯坦。"),
        ("Title\n\nBody", "Title. Body"),
        ("Done.\n\nBody", "Done. Body"),
        ("no!!!!!!!!!", "no!!!"),
        ("e\u0301", "é"),
        ("\ufeffStart", "Start"),
        ("5 €", "5 €"),
    ],
)
def test_what_remains_of_a_text(text: str, spoken: str) -> None:
    assert clean_text(text) == spoken


def test_stacked_accents_are_cut() -> None:
    assert len(clean_text("Z" + "\u0335" * 500 + "algo")) < 12


@given(st.text(max_size=5000))
def test_any_text_is_cleaned_or_refused(text: str) -> None:
    try:
        plain = clean_text(text)
    except LikenessError:
        return
    assert 0 < len(plain) <= 4000
    assert plain.isprintable()
    assert clean_text(plain) == plain or "&" in plain or "<" in plain


@given(st.text(alphabet=st.sampled_from("ab .,;!?。，\"'Dr"), max_size=2000))
def test_sentences_lose_no_letter(text: str) -> None:
    pieces = split_sentences(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= 300 for piece in pieces)


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    text = (
        "x" * 40
        + " "
        + "y" * 75
        + " said Dr. Curie to Mr. E. Einstein. "
        + "And then they both left the room."
    )
    assert split_sentences(text)[0].endswith("Einstein.")


def test_chinese_in_an_english_voice_goes_to_mandarin() -> None:
    assert split_scripts("Say 你好, please.", "en-us") == [
        ("en-us", "Say "),
        ("cmn", "你好, "),
        ("en-us", "please."),
    ]


def test_a_voice_keeps_the_script_it_can_read() -> None:
    assert split_scripts("你好 hello", "cmn") == [("cmn", "你好 hello")]
    assert split_scripts("Привет, мир", "en-us") == [("en-us", "Привет, мир")]


def test_kana_and_hangul_find_their_voices() -> None:
    assert [code for code, _ in split_scripts("こんにちは 안녕", "de")] == ["ja", "ko"]
