"""What may be spoken: cleaning a text, and cutting it into sentences and scripts."""

import html
import re
import unicodedata
from typing import Final

from likeness.errors import InputError, LimitError

LONGEST_TEXT: Final = 4_000
"""Characters that one utterance may have, after cleaning."""
LONGEST_SENTENCE: Final = 300
"""Characters that are synthesised in one go."""


def clean_text(text: str) -> str:
    """The speakable part of a text: plain, normalised (NFC), one line, at most 4,000 characters.

    SSML and HTML tags, control and formatting characters, emoji and stacked accents are removed; entities
    are resolved; a blank line becomes a full stop. Raises InputError when nothing speakable is left, and
    LimitError when the text is too long.
    """
    if len(text) > 8 * LONGEST_TEXT:
        raise _too_long(len(text))
    plain = _COMMENT.sub(" ", text.removeprefix("\ufeff"))
    plain = html.unescape(_TAG.sub(" ", plain))
    plain = unicodedata.normalize("NFC", plain)
    plain = _PARAGRAPH.sub(_paragraph_end, plain)
    plain = "".join(map(_kept, plain))
    plain = _STACK.sub(r"\1", plain)
    plain = _REPEAT.sub(r"\1\1\1", plain)
    plain = _SPACE.sub(" ", plain).strip()
    if len(plain) > LONGEST_TEXT:
        raise _too_long(len(plain))
    if not any(map(_speakable, plain)):
        what = "The text is empty" if not text.strip() else "The text has nothing that can be spoken"
        raise InputError(f"{what}. Write at least one word, for example: Hello.")
    return plain


def split_sentences(text: str) -> list[str]:
    """Cut a cleaned text where a speaker would pause, into pieces of at most 300 characters, losing nothing.

    Short sentences stay together, so that an abbreviation's dot ("Dr. Curie") does not make a pause.
    """
    pieces: list[str] = []
    rest = text.strip()
    while len(rest) > _COMFORTABLE:
        end = _cut(rest)
        if end >= len(rest):
            break
        pieces.append(rest[:end].strip())
        rest = rest[end:].strip()
    if rest:
        pieces.append(rest)
    return pieces


def split_scripts(text: str, language: str) -> list[tuple[str, str]]:
    """Pieces (language, text) of a text: a voice that cannot read a script hands it to one that can.

    Han goes to Mandarin, kana to Japanese, Hangul to Korean, where `language` is none that reads them;
    espeak-ng switches between the other alphabets by itself.
    """
    pieces: list[tuple[str, str]] = []
    for ch in text:
        wanted = _script_language(ch, language)
        if wanted is None:  # spaces, digits, punctuation: with what stands before them
            wanted = pieces[-1][0] if pieces else language
        if pieces and pieces[-1][0] == wanted:
            pieces[-1] = (wanted, pieces[-1][1] + ch)
        else:
            pieces.append((wanted, ch))
    spoken = [(code, part) for code, part in pieces if any(c.isalnum() or _symbol(c) for c in part)]
    return spoken or [(language, text)]


_COMFORTABLE: Final = 120
"""A piece at least this long may end at the next sentence end."""
_COMMENT: Final = re.compile(r"<!--.{0,4000}?-->|<!\[CDATA\[|\]\]>|<\?.{0,1000}?\?>", re.DOTALL)
_TAG: Final = re.compile(r"</?[A-Za-z][A-Za-z0-9:_-]{0,40}(?:\s[^<>]{0,1000})?/?>|<![A-Za-z][^<>]{0,1000}>")
_PARAGRAPH: Final = re.compile(r"(\S?)[ \t]*(?:\r\n?|\n)[ \t]*(?:(?:\r\n?|\n)[ \t]*)+")
_STACK: Final = re.compile("([\u0300-\u036f]{3})[\u0300-\u036f]+")
_REPEAT: Final = re.compile(r"([^\w\s])\1{3,}")
_SPACE: Final = re.compile(r"\s+")
_SENTENCE_END: Final = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|[。！？]+[”’」』]*\s*")
_CLAUSE_END: Final = re.compile(r"[,;:—–]\s+|[，、；：]\s*")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\"'])(?:[A-Za-z]|[A-Za-z]\.[A-Za-z.]*|Mrs?|Ms|Dr|Drs|Prof|St|Mt|Sr|Jr|vs|etc|No|Fig|approx|bzw|usw|Hr|Fr|Mme|Mlle)\.\s+$"
)


def _too_long(length: int) -> LimitError:
    return LimitError(
        f"The text has {length:,} characters; at most {LONGEST_TEXT:,} can be said at once. "
        "Cut it into parts and say them one after another."
    )


def _paragraph_end(found: re.Match[str]) -> str:
    last = found.group(1)
    return f"{last}. " if last.isalnum() else f"{last} "


def _kept(ch: str) -> str:
    category = unicodedata.category(ch)
    if ch in "\t\n\r\v\f\x85\u2028\u2029" or category == "Zs":
        return " "
    code = ord(ch)
    if category in ("Cc", "Cf", "Cs", "Co", "Cn") or _emoji(code):
        # Joiners shape Arabic and Indic words, but no voice needs them.
        return "" if category in ("Cc", "Cf") else " "
    return ch


def _emoji(code: int) -> bool:
    return (
        0x1F000 <= code <= 0x1FAFF
        or 0x2600 <= code <= 0x27BF
        or 0x2B00 <= code <= 0x2BFF
        or 0x2300 <= code <= 0x23FF
        or 0xFE00 <= code <= 0xFE0F
        or code in (0x20E3, 0x3030, 0x303D, 0x3297, 0x3299)
    )


def _speakable(ch: str) -> bool:
    category = unicodedata.category(ch)
    return category[0] in "LN" or category in ("Sc", "Sm")


def _symbol(ch: str) -> bool:
    return unicodedata.category(ch) in ("Sc", "Sm", "Mn", "Mc")


def _cut(text: str) -> int:
    for found in _SENTENCE_END.finditer(text):
        if found.end() > LONGEST_SENTENCE:
            break
        if found.end() >= _COMFORTABLE and not _ABBREVIATION.search(text[: found.end()]):
            return found.end()
    if len(text) <= LONGEST_SENTENCE:
        return len(text)
    clauses = [found.end() for found in _CLAUSE_END.finditer(text[:LONGEST_SENTENCE])]
    if clauses and clauses[-1] >= LONGEST_SENTENCE // 3:
        return clauses[-1]
    space = text.rfind(" ", 1, LONGEST_SENTENCE)
    return space + 1 if space > 0 else LONGEST_SENTENCE


def _script_language(ch: str, language: str) -> str | None:
    """The language that must read a letter; None where any language can."""
    if not ch.isalpha():
        return None
    code = ord(ch)
    base = language.partition("-")[0]
    if 0x3040 <= code <= 0x30FF or 0x31F0 <= code <= 0x31FF or 0xFF66 <= code <= 0xFF9D:
        return language if base == "ja" else "ja"
    if 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF:
        return language if base in ("cmn", "yue", "hak", "zh") else "cmn"
    if 0xAC00 <= code <= 0xD7A3 or 0x1100 <= code <= 0x11FF:
        return language if base == "ko" else "ko"
    return language
