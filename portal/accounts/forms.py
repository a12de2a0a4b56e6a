"""The sign-in form."""

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
