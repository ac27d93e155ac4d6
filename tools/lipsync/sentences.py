"""Random sentences rich in the sounds that lips show, from the word lists that Debian packages."""

import re
from dataclasses import dataclass
from pathlib import Path
from random import Random

_LISTS = {
    "en": "american-english", "it": "italian", "ca": "catalan", "fr": "french", "es": "spanish",
    "de": "ngerman",
}  # fmt: skip
_COMMON = tuple(
    """the a of to and in is it you that he was for on are with as his they be at this from have or by one had
    not but what all were when we there can an your which their if do will each about how up out them then she
    many some so these would other into has more her two like him see time could no make than first been its
    who now people my made over did down only way find use may water long little very after words called just
    where most know""".split()  # noqa: SIM905
)
# Languages without a packaged word list: syllables in their own spelling (onsets, vowels, codas).
_SYLLABLES = {
    "hi": ("प ब म व फ प ब म त द न ल र स ज ग क ह य ट ड श च भ ख थ ध", " - - ा ा ि ी ु ू े ो ै ौ", ""),
    "te": ("ప బ మ వ ఫ ప బ మ త ద న ల ర స జ గ క హ య ట డ శ చ భ ఖ థ ధ", " - - ా ా ి ీ ు ూ ె ొ ే ో", ""),
    "cs": ("b p m v f b p m d t n l r s z k h j š č ř ž ch", "a e i o u a e i o u á é í ou", "n m r l s k"),
    "fi": (
        "p m v b p m v t n l r s k h j d pp tt kk mm nn ll ss",
        "a e i o u y ä ö aa ii uu ai ei au uo",
        "n m r l s k",
    ),
    "ru": ("б п м в ф б п м д т н л р с з к г х ж ш ч щ ц", "а е и о у ы я ю э", "н м р л с к"),
    "ja": ("p b m m f w t d n r s z k g h j sh ch ts y", "a i u e o a i u e o aa oo ei", "n"),
    "xx": ("b p m v f w b p m d t n l r s z k g h j sh ch th", "a e i o u ee oo ai ou", "n m r l s k"),
}
SPELT = frozenset(_LISTS)


@dataclass(frozen=True, slots=True)
class _Words:
    every: tuple[str, ...]
    bilabial: tuple[str, ...]
    labial: tuple[str, ...]


class Sentences:
    """A source of sentences; all randomness comes from the generator handed in."""

    def __init__(self, folder: Path = Path("/usr/share/dict")) -> None:
        self._words: dict[str, _Words] = {}
        for language, name in _LISTS.items():
            path = folder / name
            if not path.is_file():
                lists = "wamerican witalian wcatalan wfrench wspanish wngerman"
                raise SystemExit(f"{path} is missing: apt-get install {lists}")
            words = path.read_text(encoding="utf-8", errors="ignore").split()
            every = tuple(
                w for w in words if 2 <= len(w) <= 10 and w.isalpha() and (language == "de" or w.islower())
            )
            self._words[language] = _Words(
                every,
                tuple(w for w in every if re.search("[pbm]", w)),
                tuple(w for w in every if re.search("[fvw]", w)),
            )

    def sentence(self, language: str, random: Random) -> str:
        """One sentence of 3 to 11 words in a language of `SPELT`, or in syllables of another."""
        if language in self._words:
            return self._from_words(language, random)
        return _from_syllables(language, random)

    def _from_words(self, language: str, random: Random) -> str:
        words, count, out = self._words[language], random.randint(4, 11), []
        for i in range(count):
            u = random.random()
            if language == "en" and u < 0.38:
                word = random.choice(_COMMON)
            elif u < 0.55:
                word = random.choice(words.bilabial)
            elif u < 0.63:
                word = random.choice(words.labial)
            else:
                word = random.choice(words.every)
            out.append(word + ("," if 1 < i < count - 2 and random.random() < 0.08 else ""))
        return " ".join(out) + random.choice("...?")


def _from_syllables(language: str, random: Random) -> str:
    onsets, vowels, codas = (part.split() for part in _SYLLABLES[language])
    vowels = [v.removeprefix("-") for v in vowels]  # a hyphen: the vowel that is not written
    count, out = random.randint(3, 8), []
    for i in range(count):
        word = ""
        for _ in range(random.randint(1, 3)):
            onset = random.choice(onsets) if random.random() < 0.93 else ""
            word += (
                onset
                + random.choice(vowels)
                + (random.choice(codas) if codas and random.random() < 0.25 else "")
            )
        out.append(word + ("," if 0 < i < count - 1 and random.random() < 0.08 else ""))
    return " ".join(out) + "."
