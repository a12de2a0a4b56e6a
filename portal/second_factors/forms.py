"""The forms of the second factor."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from portal.fields import one_line


class CodeForm(FlaskForm):
    """The six digits that a phone shows."""

    code = StringField(
        _l("One-time code"), filters=[one_line], validators=[DataRequired(_l("Enter the six digits")), Length(max=20)]
    )


class RecoveryForm(FlaskForm):
    """One of the codes on paper."""

    code = StringField(
        _l("Recovery code"), filters=[one_line], validators=[DataRequired(_l("Enter a recovery code")), Length(max=40)]
    )


class SetUpForm(CodeForm):
    """A secret, sealed, and the first code that it gives."""

    offer = HiddenField(validators=[Length(max=400)])


class ProofForm(FlaskForm):
    """Password and code together, for what a stolen session must not do."""

    password = PasswordField(_l("Password"), validators=[DataRequired(_l("Enter your password")), Length(max=1024)])
    code = StringField(
        _l("One-time code or recovery code"),
        filters=[one_line],
        validators=[DataRequired(_l("Enter a one-time code or a recovery code")), Length(max=40)],
    )
