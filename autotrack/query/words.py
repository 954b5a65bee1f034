"""The words of a `where` or `order_by` text, each with its place, and the error that points at a place.

    params."a b" >= 0.5   ->   key params / a b · symbol >= · number 0.5 · end

Strings stand in single or double quotes, a quote inside is written twice. Keys with characters that a plain
word cannot hold are quoted part by part, as `params."a b"` or params.`a b`.
"""

import re
from dataclasses import dataclass
from typing import Literal

from autotrack.errors import SearchError

__all__ = ["Word", "search_error", "split"]

Kind = Literal["word", "key", "string", "number", "symbol", "end"]


@dataclass(frozen=True)
class Word:
    """One word of the text.

    Attributes:
        text: As a message shows it.
        start: Index of its first character.
        value: What it stands for: the number, the string without its quotes, the key's name after the first dot,
            a keyword in small letters.
        space: Of a key, the part before its first dot.
        is_quoted: Of a key, whether its last part was quoted.
    """

    kind: Kind
    text: str
    start: int
    value: str | int | float = ""
    space: str = ""
    is_quoted: bool = False


_BLANK = re.compile(r"\s*")
_WORD = re.compile(r"[^\W\d]\w*")
_KEY_PART = re.compile(r"[\w.\-/@:#$%+~^&]+")
_NUMBER = re.compile(
    r"[+-]?(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-](?:inf(?:inity)?|nan)\b", re.IGNORECASE
)
_AFTER_NUMBER = re.compile(r"[\w.\-:/]*")
_SYMBOL = re.compile(r"==|!=|<>|<=|>=|=|<|>|\(|\)|,|≤|≥|≠")
_SAME_SYMBOL = {"==": "=", "<>": "!=", "≠": "!=", "≤": "<=", "≥": ">="}
_NUMBER_WORDS = ("nan", "inf", "infinity")
_OTHER_SPELLINGS = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not"}
_SHOWN = 76  # characters of a long text that an error shows around the place it points at


def split(text: str) -> list[Word]:
    """The words of the text, and one of kind `end` behind the last.

    Raises:
        SearchError: A character that begins no word, an open quote, a number running into letters.
    """
    words = []
    position = _blank_end(text, 0)
    while position < len(text):
        word, end = _word_at(text, position)
        words.append(word)
        position = _blank_end(text, end)
    words.append(Word("end", "the end", len(text)))
    return words


def search_error(text: str, position: int, problem: str, expected: str) -> SearchError:
    """The error whose message shows the text with a caret under the character at `position`."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    start = max(0, min(position - _SHOWN // 2, len(shown) - _SHOWN))
    window = shown[start : start + _SHOWN]
    before = "..." if start else ""
    after = "..." if start + _SHOWN < len(shown) else ""
    caret = " " * (len(before) + position - start) + "^"
    message = f"{problem}\n    {before}{window}{after}\n    {caret}\n{expected}"
    return SearchError(message, text=text, position=position, expected=expected)


def _blank_end(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _word_at(text: str, start: int) -> tuple[Word, int]:
    if text[start] in "'\"":
        value, end = _quoted(text, start)
        return Word("string", text[start:end], start, value), end
    if found := _NUMBER.match(text, start):
        return _number(text, start, found.end())
    if found := _WORD.match(text, start):
        if text.startswith(".", found.end()):
            return _key(text, start, found.end())
        word = found.group()
        if word.lower() in _NUMBER_WORDS:
            return Word("number", word, start, float(word)), found.end()
        return Word("word", word, start, word.lower()), found.end()
    if found := _SYMBOL.match(text, start):
        symbol = found.group()
        return Word("symbol", symbol, start, _SAME_SYMBOL.get(symbol, symbol)), found.end()
    for spelling, meant in _OTHER_SPELLINGS.items():
        if text.startswith(spelling, start):
            raise search_error(text, start, f"{spelling!r} has no meaning in a search.", f"Write `{meant}` instead.")
    raise search_error(
        text,
        start,
        f"{text[start]!r} has no meaning in a search.",
        "Expected a field, a comparison, a value, and, or, not.",
    )


def _quoted(text: str, start: int) -> tuple[str, int]:
    """The string that opens at `start`, and where it ends. A doubled quote stands for one."""
    quote = text[start]
    parts = []
    position = start + 1
    while (end := text.find(quote, position)) >= 0:
        parts.append(text[position:end])
        if not text.startswith(quote, end + 1):
            return quote.join(parts), end + 1
        position = end + 2
    raise search_error(text, start, f"The quote {quote} is never closed.", f"Expected a closing {quote}.")


def _number(text: str, start: int, end: int) -> tuple[Word, int]:
    rest = _AFTER_NUMBER.match(text, end)
    if rest and rest.end() > end:
        whole = text[start : rest.end()]
        raise search_error(text, start, f"{whole} is not a number.", f"Expected a number, or text in quotes: '{whole}'")
    written = text[start:end]
    try:
        value = float(written) if any(char in ".eEnN" for char in written) else int(written)
    except ValueError:  # more digits than Python reads, or an underscore in a wrong place
        raise search_error(
            text, start, "This number cannot be read.", "Expected a number such as 3, 0.5 or 1e-4."
        ) from None
    return Word("number", written, start, value), end


def _key(text: str, start: int, dot: int) -> tuple[Word, int]:
    """The key whose first dot stands at `dot`: plain and quoted parts in any order, joined by dots."""
    name = ""
    position = dot + 1
    is_quoted = False
    while position < len(text):
        if text[position] in '"`' and (not name or name.endswith(".")) and not is_quoted:
            part, position = _quoted(text, position)
            is_quoted = True
        elif found := _KEY_PART.match(text, position):
            part, position = found.group(), found.end()
            is_quoted = False
        else:
            break
        name += part
    if not name.strip() or (name.endswith(".") and not is_quoted):
        space = text[start:dot]
        raise search_error(
            text,
            position,
            f"The name after {text[start:position]!r} is missing.",
            f"Expected a name, for example: {space}.name",
        )
    return Word("key", text[start:position], start, name, space=text[start:dot], is_quoted=is_quoted), position
