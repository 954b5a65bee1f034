"""Keep secrets out of the record: at capture, before anything is written.

A text is a secret if it stands under a secret's name (`api_key`, `--password`), if it looks like a known token,
or if it is the password in a URL. Numbers and booleans never are: `num_tokens=4` and `tokenizer='bert'` stay.
"""

import re
from collections.abc import Sequence

__all__ = ["redact", "redact_arguments", "redact_value"]

_SECRET_WORDS = re.compile(
    r"(?:^|[^a-z])(?:token|secret|password|passwd|passphrase|pwd|credentials?|auth|dsn|cookie"
    r"|(?:api|access|private|secret|signing|account)[^a-z]?key|conn(?:ection)?[^a-z]?str(?:ing)?)(?:$|[^a-z])"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MIN_SECRET = 8  # characters: shorter texts under such a name are words such as `none` or `cls`
_TOKENS = re.compile(
    r"AKIA[0-9A-Z]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|sk-[\w-]{16,}|hf_[A-Za-z0-9]{16,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,}|pypi-[\w-]{16,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.DOTALL,
)
_URL_PASSWORD = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^/\s:@]*):?(?P<password>[^/\s@]*)@")
_URL_SIGNATURE = re.compile(r"(?i)(?P<key>[?&](?:sig|signature|x-amz-signature|token|access_token|api_?key)=)[^&\s]+")
_ASSIGNMENT = re.compile(r"^(?P<name>[^=\s]+)=(?P<value>.*)$", re.DOTALL)


def redact(text: str) -> str:
    """The text with known tokens and the passwords of URLs replaced by `***`."""
    if len(text) < _MIN_SECRET:
        return text
    text = _TOKENS.sub("***", text)
    if "://" in text:
        text = _URL_PASSWORD.sub(r"\g<scheme>***@", text)
        text = _URL_SIGNATURE.sub(r"\g<key>***", text)
    return text


def redact_value(name: str, text: str) -> str:
    """The text recorded under a name: `***` if the name is a secret's."""
    if len(text) >= _MIN_SECRET and is_secret_name(name):
        return "***"
    return redact(text)


def redact_arguments(arguments: Sequence[str]) -> list[str]:
    """A command line: `--password hunter22` and `--password=hunter22` lose their value."""
    result = []
    expect_secret = False
    for argument in arguments:
        assigned = _ASSIGNMENT.match(argument)
        if expect_secret and not argument.startswith("-"):
            result.append("***")
        elif assigned and is_secret_name(assigned["name"]):
            result.append(f"{assigned['name']}=***")
        else:
            result.append(redact(argument))
        expect_secret = argument.startswith("-") and not assigned and is_secret_name(argument)
    return result


def is_secret_name(name: str) -> bool:
    """Whether values under this name are secrets; words are told apart at `_`, `-`, `.` and capitals."""
    return _SECRET_WORDS.search(_CAMEL.sub("_", name).lower()) is not None
