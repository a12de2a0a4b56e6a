"""The forms of accounts: sign-in, and another password."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import DataRequired, Length

from portal.fields import one_line


class SignInForm(FlaskForm):
    """E-mail address and password."""

    email = EmailField(
        _l("E-mail"), filters=[one_line], validators=[DataRequired(_l("Enter your e-mail address")), Length(max=254)]
    )
    password = PasswordField(_l("Password"), validators=[DataRequired(_l("Enter your password")), Length(max=1024)])


class PasswordForm(FlaskForm):
    """The password as it is, and another one."""

    current = PasswordField(
        _l("Present password"), validators=[DataRequired(_l("Enter your present password")), Length(max=1024)]
    )
    password = PasswordField(
        _l("New password"), validators=[DataRequired(_l("Enter the new password")), Length(max=1024)]
    )
