"""Numbers in lines of text that a person is to read: `Epoch 3 | train loss: 0.31, acc=97.5%`.

A number counts where it stands after its name: behind a colon or an equals sign, or, with a decimal point or a percent
sign, behind a space. It keeps the scale it is shown in. Counters (epoch, step, ...) and numbers with a unit do not
count. Of several numbers under one name the last holds.
"""

import re

__all__ = ["as_key", "numbers_in"]

_COUNTERS = re.compile(r"(?:.*_)?(?:batch(?:es)?|device|epochs?|gpu|it|iter|iterations?|rank|seed|steps?|total)")
_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan\b|inf\b)"
_SAID = re.compile(
    rf"""
    (?<![^\s,|;\[\](){{}}<>*'"-])                       # a name begins a word
    (?P<key>[A-Za-z_][\w@/-]*(?:[ ][A-Za-z_][\w@/-]*){{0,3}})
    ['"]?
    (?P<sign>\s?[:=]\s*|[ ])
    (?P<number>{_NUMBER})
    (?: / (?P<whole>\d+) \s? \( \s* \d+(?:\.\d+)? \s? % \s? \) )?    # 9845/10000 (98%)
    (?P<percent>\s?%)?
    (?![\w/:]|[.,]\d|%)
    """,
    re.VERBOSE,
)


def numbers_in(text: str) -> dict[str, float]:
    """The numbers in a text, each by its name."""
    found = {}
    for match in _SAID.finditer(text):
        sign, number = match["sign"], match["number"]
        is_decimal = not number.lstrip("+-").isdecimal()
        if sign == ":" and not is_decimal:
            continue  # `cuda:0`, `localhost:8080`
        if sign == " " and not (match["percent"] or ("." in number and _ends(text, match.end()))):
            continue  # `Python 3.11 is`
        key = as_key(match["key"])
        if not _COUNTERS.fullmatch(key):
            value = float(number.replace(",", ""))
            found[key] = value / float(match["whole"]) if match["whole"] and float(match["whole"]) else value
    return found


def as_key(name: str) -> str:
    """A name as metrics have them: `Train Loss` is `train_loss`."""
    return "_".join(re.split(r"[\s_-]+", name.strip().lower())).strip("_")


def _ends(text: str, position: int) -> bool:
    """Whether the statement ends here."""
    rest = text[position : position + 2]
    return not rest.strip(" ") or rest.lstrip(" ")[0] in ",;|)]}\n\t-"
