"""Answers to a form of several pages, travelling in one signed field: nothing is stored before the form is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import current_app
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from portal.uploads import Staged

LASTS = timedelta(days=1)


@dataclass
class Draft:
    """What was answered so far.

    `key` names this one sending of the form, so that sending twice makes one record. `checked` is set once the last
    page was reached: from then on a change leads straight back there. `expired` and `broken` say what became of the
    signature; an expired draft is still authentic.
    """

    key: str
    answers: dict[str, str] = field(default_factory=dict)
    files: list[Staged] = field(default_factory=list)
    checked: bool = False
    expired: bool = False
    broken: bool = False

    @classmethod
    def read(cls, sent: str, *, purpose: str, new_key: str) -> "Draft":
        """Return the draft of a signed field; a broken one starts anew."""
        serializer = _serializer(purpose)
        try:
            return cls._from(serializer.loads(sent, max_age=int(LASTS.total_seconds())))
        except SignatureExpired as problem:
            draft = cls._from(serializer.load_payload(problem.payload or b""))
            draft.expired = True
            return draft
        except (BadData, KeyError, TypeError):
            # Forged, or signed by an earlier version of the portal that kept something else.
            return cls(key=new_key, broken=True)

    @classmethod
    def _from(cls, body: dict[str, Any]) -> "Draft":
        files = [Staged(**entry) for entry in body["files"]]
        return cls(key=body["key"], answers=body["answers"], files=files, checked=body["checked"])

    def sign(self, purpose: str) -> str:
        """Return the signed field."""
        files = [file.as_dict() for file in self.files]
        body = {"key": self.key, "answers": self.answers, "files": files, "checked": self.checked}
        return str(_serializer(purpose).dumps(body))

    def take(self, names: Iterable[str], typed: Mapping[str, str]) -> None:
        """Keep what was typed in these fields, right or wrong."""
        for name in names:
            self.answers[name] = typed.get(name, "")


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"draft:{purpose}")
