"""Answers to a form of several pages, travelling in one signed field: nothing is stored before the form is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage

from portal import limits, uploads
from portal.errors import Refusal, TooMany
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

    def take_files(self, sent: Iterable[FileStorage]) -> list[str]:
        """Stage the files that came along; return why some were not taken, so that a bad one drops no good one."""
        refused: list[str] = []
        for file in sent:
            if not file.filename:
                continue
            try:
                if len(self.files) >= uploads.MAX_FILES:
                    name, limit = uploads.clean_name(file.filename), uploads.MAX_FILES
                    raise Refusal(_("“%(name)s” was not added: at most %(limit)d files.", name=name, limit=limit))
                limits.count("upload")
                self.files.append(uploads.stage(file))
            except TooMany:
                words = _("Too many files in one hour. Send the form without them; you can describe them later.")
                return [*refused, words]
            except Refusal as refusal:
                refused.append(str(refusal.message))
        return refused

    def drop_file(self, token: str) -> bool:
        """Forget a file that its sender does not want to send after all; whether one was named."""
        for file in self.files:
            if token == file.token:
                uploads.discard(file)
                self.files.remove(file)
                break
        return bool(token)

    def drop_lost_files(self) -> list[str]:
        """Take out the files that are no longer staged, and return the words that say so."""
        gone = [file for file in self.files if not uploads.is_staged(file)]
        self.files = [file for file in self.files if file not in gone]
        return [_("“%(name)s” is no longer here. Please add it again.", name=file.name) for file in gone]


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"draft:{purpose}")
