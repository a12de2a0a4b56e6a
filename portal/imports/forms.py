"""The forms of the permit register."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired


class UploadForm(FlaskForm):
    """A spreadsheet of permits."""

    file = FileField(_l("Spreadsheet"), validators=[FileRequired(_l("Choose a file"))])
