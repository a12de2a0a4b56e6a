"""The form that takes a spreadsheet."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired


class UploadForm(FlaskForm):
    """A spreadsheet."""

    file = FileField(_l("Spreadsheet"), validators=[FileRequired(_l("Choose a file"))])
