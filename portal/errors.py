"""The refusals of the portal: caught at the edge, worded for the reader."""

from typing import Any, TypeAlias

# Text, or a lazy string of flask-babel's, which has no types of its own.
Message: TypeAlias = object


class Refusal(Exception):
    """A request that breaks a rule; `message` may be shown to whoever asked."""

    status = 400

    def __init__(self, message: Message, *, field: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.details = details


class NotFound(Refusal):
    """The thing asked for is not there, or not for this reader."""

    status = 404


class Gone(Refusal):
    """The thing was published once and is no longer; `details` may carry a public reason."""

    status = 410


class SignedOut(Refusal):
    """What was sent came from somebody who is no longer signed in."""

    status = 401


class Forbidden(Refusal):
    """The reader is known and may not do this."""

    status = 403


class Conflict(Refusal):
    """Somebody else changed the thing first, or the state does not allow the step."""

    status = 409


class TransitionError(Conflict):
    """The state of a record does not allow the step asked for."""


class TooMany(Refusal):
    """A limit was reached; `details["retry_at"]` says when to try again."""

    status = 429
