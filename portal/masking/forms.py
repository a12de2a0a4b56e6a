"""What is found in texts, in the words of the pages."""

from flask_babel import lazy_gettext as _l

from portal.personal_data.rules import Finding

FINDING_LABELS = {
    Finding.IDENTITY_NUMBER: _l("an identity number"),
    Finding.CERTIFICATE: _l("the number of a certificate"),
    Finding.BANK_CARD: _l("a bank card or account"),
    Finding.PHONE: _l("a phone number"),
    Finding.PLATE: _l("a number plate"),
    Finding.ONLINE: _l("an online account or e-mail address"),
    Finding.BIRTHDAY: _l("a day of birth"),
    Finding.ADDRESS: _l("an address"),
    Finding.SCHOOL: _l("a school class"),
    Finding.NAME: _l("a person's name"),
    Finding.DISEASE: _l("an illness"),
    Finding.HEALTH: _l("words about health"),
    Finding.MINOR: _l("words about a minor"),
    Finding.MINOR_PARTY: _l("the party is a minor"),
    Finding.OTHER: _l("added by hand"),
}
