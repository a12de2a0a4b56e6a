"""What identifies a regulated party."""

import re

from portal.cells import tidy

SYMBOLS = "0-9A-HJ-NP-RTUWXY"
CODE = re.compile(rf"[{SYMBOLS}]{{2}}\d{{6}}[{SYMBOLS}]{{10}}")
SOLE_TRADER_CODES = "92"


def normalise_credit_code(text: str) -> str | None:
    """Return a unified social credit code in its proper form, or None when it is not one (GB 32100-2015).

    Accepts lower case, full width, spaces and hyphens. The two symbols in front may be letters, which the library's
    own check does not allow: rural collectives have codes that begin with N.
    """
    # It loads Python's help system with it, which serving pages never needs.
    from stdnum.cn import uscc

    code = re.sub(r"[\s\-]", "", tidy(text)).upper()
    if not CODE.fullmatch(code) or uscc.calc_check_digit(code) != code[-1]:
        return None
    return code


def guess_kind(credit_code: str | None, *, has_person_id: bool) -> str:
    """Return the kind of a party that a row does not name: by its code, else by the papers it shows."""
    if credit_code:
        return "sole_trader" if credit_code.startswith(SOLE_TRADER_CODES) else "organisation"
    return "person" if has_person_id else "organisation"
