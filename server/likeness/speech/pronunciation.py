"""How English words are said, in the acoustic model's phones: the CMU dictionary, and spelling rules beyond
it.
"""

import re
import unicodedata
from pathlib import Path
from typing import Final

from likeness.speech.acoustic_model import model_folder

_WORD: Final = re.compile(r"[a-z]+(?:['’][a-z]+)*|\d+")


class Pronunciations:
    """The dictionary of the pocketsphinx package, and letter-to-sound rules for words it lacks."""

    def __init__(self, dictionary: Path | None = None) -> None:
        """Read `dictionary` (default: the packaged one, 135,000 words)."""
        path = dictionary or model_folder() / "cmudict-en-us.dict"
        self._entries: dict[str, str] = {}
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            word, _, phones = line.partition(" ")
            if "(" not in word:
                self._entries[word] = phones

    def say(self, text: str) -> list[list[str]]:
        """The phones (ARPAbet) of each word of a text; numbers are spelt out, signs are left out."""
        plain = "".join(
            c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c)
        ).replace("’", "'")
        words: list[str] = []
        for token in _WORD.findall(plain):
            words += _number(token) if token.isdigit() else [token]
        return [self.word(word) for word in words]

    def word(self, word: str) -> list[str]:
        """The phones of one lower-case word."""
        found = self._entries.get(word) or self._entries.get(word.replace("'", ""))
        if found is not None:
            return found.split()
        for ending, phones in _ENDINGS.items():
            stem = self._entries.get(word.removesuffix(ending)) if word.endswith(ending) else None
            if stem is not None:
                return [*stem.split(), *phones]
        return _spell_out(word.replace("'", ""))


_ENDINGS: Final = {
    "'s": ["Z"],
    "s": ["Z"],
    "es": ["IH", "Z"],
    "ed": ["D"],
    "ing": ["IH", "NG"],
    "ly": ["L", "IY"],
}

# Longest spelling first; rough, but the consonants that lips show are regular.
_RULES: Final = tuple(
    (spelling, [phone for phone in said.split("+") if phone])
    for spelling, _, said in (
        rule.partition("=")
        for rule in """
        tion=SH+AH+N sion=ZH+AH+N ough=AO eigh=EY igh=AY sch=SH tch=CH dge=JH chr=K+R psy=S+AY mb$=M
        ^kn=N ^wr=R ^ps=S ^pn=N ph=F sh=SH ch=CH th=TH wh=W ck=K ng=NG qu=K+W gh=G bb=B pp=P mm=M
        ff=F vv=V tt=T dd=D nn=N ll=L rr=R ss=S zz=Z cc=K gg=G kk=K ee=IY ea=IY oo=UW ou=AW ow=OW
        oi=OY oy=OY ai=EY ay=EY au=AO aw=AO ei=AY eu=Y+UW ew=UW ie=IY oa=OW ue=UW ui=UW er=ER ir=ER
        ur=ER ar=AA+R or=AO+R ce=S+EH ci=S+IH cy=S+IY ge=JH+EH gi=JH+IH gy=JH+IY e$= y$=IY ^y=Y ^x=Z
        a=AE b=B c=K d=D e=EH f=F g=G h=HH i=IH j=JH k=K l=L m=M n=N o=AA p=P q=K r=R s=S t=T u=AH
        v=V w=W x=K+S y=IH z=Z
        """.split()  # noqa: SIM905
    )
)


def _spell_out(word: str) -> list[str]:
    phones: list[str] = []
    at = 0
    while at < len(word):
        for spelling, said in _RULES:
            plain = spelling.strip("^$")
            fits = word.startswith(plain, at)
            fits &= not spelling.startswith("^") or at == 0
            fits &= not spelling.endswith("$") or (at + len(plain) == len(word) and at > 0)
            if fits:
                phones += said
                at += len(plain)
                break
        else:  # not a letter of English
            at += 1
    return phones or ["AH"]


_UNITS: Final = tuple(
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen""".split()  # noqa: SIM905
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def _number(digits: str) -> list[str]:
    """Words of a number: years in pairs, others in full up to millions, longer ones digit by digit."""
    if len(digits) > 9 or (len(digits) > 1 and digits[0] == "0"):
        return [_UNITS[int(d)] for d in digits]
    value = int(digits)
    if 1100 <= value <= 1999 and value % 100:
        return [
            *_number(str(value // 100)),
            *(["oh"] if value % 100 < 10 else []),
            *_number(str(value % 100)),
        ]
    for size, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if value >= size:
            rest = _number(str(value % size)) if value % size else []
            return [*_number(str(value // size)), name, *rest]
    if value >= 20:
        return [_TENS[value // 10 - 2], *([_UNITS[value % 10]] if value % 10 else [])]
    return [_UNITS[value]]
