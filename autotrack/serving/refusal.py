"""A request that is not answered: status, code and message for the client, and never a traceback.

{"error_code": "BAD_REQUEST", "message": "…", "problems": [{"column": "age", "expected": "numbers", …}]}
"""

import json
from collections.abc import Sequence

from autotrack.errors import AutotrackError
from autotrack.model.conform import Problem, message_of

__all__ = ["CODES", "RefusedError", "body_of", "misfit"]

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "ENDPOINT_NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}

_MOST_TEXT = 2000  # characters, and problems: an answer repeats no large body
_MOST_PROBLEMS = 100


class RefusedError(AutotrackError, ValueError):
    """A request that gets `status` and the message instead of predictions."""

    def __init__(self, message: str, status: int = 400, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, status=status, problems=tuple(problems))
        self.status = status
        self.problems = tuple(problems)


def misfit(*problems: Problem) -> RefusedError:
    """Data that does not fit the model's signature."""
    message = f"{message_of(problems, 'The data')}\nSee what the model was fitted on with: GET /version"
    return RefusedError(message, 400, problems)


def body_of(status: int, message: str, problems: Sequence[Problem] = ()) -> bytes:
    """The JSON that a client gets."""
    content: dict[str, object] = {"error_code": CODES.get(status, "ERROR"), "message": message[:_MOST_TEXT]}
    if problems:
        content["problems"] = [
            {key: value and value[:_MOST_TEXT] for key, value in vars(problem).items()}
            for problem in problems[:_MOST_PROBLEMS]
        ]
    return json.dumps(content).encode()
