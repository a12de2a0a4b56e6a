"""What forms that strangers fill in share: tidied text, and limits that say by how much."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError
from wtforms import DateField, Field, HiddenField
from wtforms.validators import AnyOf, ValidationError

from portal.cells import read_day
from portal.db import db
from portal.errors import Refusal

# Marks that turn the direction of what follows, and blanks that nobody sees; they can make a text read as something
# else, or nothing look like a name. What joins letters stays: emoji and some scripts need it.
UNSEEN = dict.fromkeys(
    map(ord, "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
)


def tidy(value: str | None) -> str:
    """Return typed text without control and direction characters, so that it reads the same everywhere."""
    text = unicodedata.normalize("NFC", value or "")
    if text.isprintable():
        # Nothing of what follows is in it, and looking at each letter takes a hundred times as long.
        return text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = (letter for letter in text if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cs"))
    return "".join(kept).translate(UNSEEN).strip()


def one_line(value: str | None) -> str:
    """Return typed text as one line."""
    return re.sub(r"\s+", " ", tidy(value))


class AtMost:
    """Refuses text that is too long, saying by how much; nothing is cut off."""

    def __init__(self, limit: int, *, needed: bool = False) -> None:
        self.limit = limit
        self.field_flags = {"required": True} if needed else {}

    def __call__(self, _form: object, checked: Field) -> None:
        count = len(checked.data or "")
        if count > self.limit:
            words = {"field": checked.label.text, "count": count, "limit": self.limit}
            raise ValidationError(_("“%(field)s” has %(count)d characters; at most %(limit)d fit", **words))


class OneOf(AnyOf):
    """Refuses what is not among the choices; the field is not marked as optional."""

    field_flags: ClassVar = {"required": True}


class PlainForm(FlaskForm):
    """A form whose request forgery token is checked for the whole request, not per form."""

    class Meta:
        csrf = False


class RecordForm(FlaskForm):
    """A form over a record, given as `data`; what somebody changed after it was opened is not overwritten unseen."""

    version = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        present = json.dumps(kwargs.get("data") or {}, sort_keys=True, default=str)
        self.present = hashlib.sha256(present.encode()).hexdigest()[:20]
        self.opened = self.version.data if self.is_submitted() else ""
        self.version.data = self.present

    def validate(self, extra_validators: Any = None) -> bool:
        """Check what was typed, and whether the record is still what the form was opened with."""
        fine = bool(super().validate(extra_validators))
        if self.opened and self.opened != self.present:
            words = _("Somebody changed this after you opened it. Your words are kept here; saving replaces theirs.")
            self.form_errors.append(words)
            return False
        return fine


class DayField(DateField):
    """A day, in any form in which days are written."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed; an empty field is no day."""
        typed = (valuelist or [""])[0].strip()
        self.data = read_day(typed)
        if typed and self.data is None:
            raise ValueError(_("This is not a day. Write it like 2026-12-31."))


def saved(form: Any, save: Callable[[], object]) -> bool:
    """Take a step with what a form says and commit; False when nothing was sent, or the form shows what is wrong."""
    if not form.validate_on_submit():
        return False
    try:
        save()
        db.session.commit()
    except Refusal as refusal:
        db.session.rollback()
        field = getattr(form, refusal.field, None) if refusal.field else None
        if field is None:
            form.form_errors.append(str(refusal.message))
        else:
            field.errors = [*field.errors, str(refusal.message)]
        return False
    except IntegrityError:
        # Checks before writing tell what is wrong in better words; here somebody was faster in the same moment.
        db.session.rollback()
        form.form_errors.append(_("Somebody else has just entered the same. Look at it and try again."))
        return False
    return True
