"""Keeping complaints from whom they name. Callers commit.

Names are looked for whenever something that a sender wrote is flushed, whoever wrote it down and by what page, import
or command: nobody can forget to ask. Whoever gets an account, another name or a card is looked for in every case at
once; cards without an account open nothing, and wait for the nightly round.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy import event as sa_event
from sqlalchemy import orm
from sqlalchemy.orm.attributes import set_committed_value

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.complaint_named import queries, rules
from portal.complaint_named.rules import Person
from portal.complaints.models import (
    Complaint,
    ComplaintEvent,
    ComplaintFile,
    ComplaintNamed,
    ComplaintOrgan,
    OrganPart,
)
from portal.complaints.queries import get_for_sender
from portal.complaints.service import Filing, add_event, watch_filing
from portal.db import db, upsert
from portal.errors import Refusal
from portal.organs.models import Officer
from portal.organs.queries import lives_of, load_organs
from portal.organs.rules import acting

# How it is known that somebody is named: by what the sender put where the officer goes, by another text, or by staff.
OFFICER, TEXT, STAFF = "officer", "text", "staff"
Who = tuple[str, int | None]


def watch() -> None:
    """Look for names in whatever is written from now on."""
    watch_filing(_look_into)
    if not sa_event.contains(orm.Session, "after_flush", _after_flush):
        sa_event.listen(orm.Session, "after_flush", _after_flush)


def _look_into(complaint_id: int, filing: Filing) -> None:
    people, texts = queries.list_people(), [filing.officer, filing.facts, filing.wants, filing.place]
    # Most name nobody, and are not read for that.
    if any(rules.find_named(text, people) for text in (filing.officer, "\n".join(texts)) if text):
        complaint = get_for_sender(complaint_id)
        match(complaint, queries.texts_of_case(complaint), people)


def _after_flush(session: orm.Session, _context: object) -> None:
    written = [*session.new, *session.dirty]
    texts_by_case = _texts_in(written)
    people = queries.list_people() if texts_by_case else []
    for complaint, texts in texts_by_case:
        match(complaint, texts, people)
    staff_ids = _people_in(written)
    if staff_ids:
        _match_everywhere(queries.list_people(staff_ids=staff_ids), only_open=False)


def _texts_in(written: Iterable[object]) -> list[tuple[Complaint, list[str]]]:
    """Return what senders wrote in what has just been flushed, with its case."""
    found = []
    for record in written:
        if isinstance(record, Complaint) and _changed(record, "texts_sealed"):
            found.append((record, queries.texts_of_case(record)))
        elif isinstance(record, ComplaintEvent) and queries.is_senders(record) and record.text_sealed:
            found.append((record.complaint, [record.text]))
        elif isinstance(record, ComplaintFile) and record.public and record.name:
            found.append((record.complaint, [record.name]))
    return found


def _people_in(written: Iterable[object]) -> list[int]:
    """Return the accounts that are new, or have another name or card, in what has just been flushed."""
    staff = [one.id for one in written if isinstance(one, Staff) and _changed(one, "name", "officer_id")]
    cards = [one.id for one in written if isinstance(one, Officer) and _changed(one, "name", "card_number")]
    return [*staff, *queries.list_accounts_of(cards)] if cards else staff


def _changed(record: Any, *names: str) -> bool:
    state = sa.inspect(record)
    return any(state.attrs[name].history.has_changes() for name in names)


def match(complaint: Complaint, texts: Sequence[str], people: Sequence[Person]) -> int:
    """Keep a complaint from whom some of its texts name; return how many are new.

    Whoever was cleared once stays cleared for what was known then.
    """
    known = _list_known(complaint.id)
    found = [(person, OFFICER) for person in rules.find_named(complaint.officer, people)]
    found += [(person, TEXT) for person in rules.find_named("\n".join(texts), people)]
    new: dict[Who, tuple[Person, str]] = {}
    for person, words in found:
        who = _who(person.staff_id, person.officer_id)
        if known.isdisjoint({(who, words), (who, OFFICER)}):
            new.setdefault(who, (person, words))
    for person, words in new.values():
        _keep(complaint, person.staff_id, person.officer_id, words)
        if words == OFFICER and person.officer_id is not None:
            _accuse(complaint, person)
    return len(new)


def _accuse(complaint: Complaint, person: Person) -> None:
    """Count the organ of an officer whom the sender named among those complained about, and take the case from it.

    By name alone only where no organ was named: it may be a namesake elsewhere.
    """
    organ_id = db.session.scalar(sa.select(Officer.organ_id).where(Officer.id == person.officer_id))
    sure = complaint.organ_id is None or rules.has_card(complaint.officer, person.card)
    if organ_id is None or organ_id == complaint.organ_id or not sure:
        return
    row = {"complaint_id": complaint.id, "organ_id": organ_id, "part": OrganPart.SUBJECT}
    db.session.execute(upsert(ComplaintOrgan).values(row).on_conflict_do_nothing())
    if complaint.delicate and complaint.handler_organ_id in _followers(organ_id):
        _set(complaint, handler_organ_id=None, handler_id=None)


def _followers(organ_id: int) -> set[int | None]:
    return {organ_id, acting(organ_id, clock.today(), lives_of(load_organs()))}


def _who(staff_id: int | None, officer_id: int | None) -> Who:
    """An account stays the same when it gets a card."""
    return ("card", officer_id) if staff_id is None else ("account", staff_id)


def _list_known(complaint_id: int) -> set[tuple[Who, str]]:
    named = ComplaintNamed.__table__.c
    rows = db.session.execute(
        sa.select(named.staff_id, named.officer_id, named.words).where(named.complaint_id == complaint_id)
    )
    return {(_who(row.staff_id, row.officer_id), row.words) for row in rows}


def _keep(complaint: Complaint, staff_id: int | None, officer_id: int | None, words: str) -> None:
    # Past the session, which is at work when names are found.
    values = {"complaint_id": complaint.id, "staff_id": staff_id, "officer_id": officer_id, "words": words}
    db.session.execute(sa.insert(ComplaintNamed.__table__).values(values))  # type: ignore[arg-type]
    if staff_id is not None and complaint.handler_id == staff_id:
        _set(complaint, handler_id=None)


def _set(complaint: Complaint, **values: int | None) -> None:
    cases = sa.inspect(Complaint).local_table
    db.session.execute(sa.update(cases).where(cases.c["id"] == complaint.id).values(values))  # type: ignore[arg-type]
    for name, value in values.items():
        set_committed_value(complaint, name, value)


def _match_everywhere(people: Sequence[Person], *, only_open: bool) -> int:
    found = 0
    for cases in queries.list_cases(only_open=only_open):
        found += sum(match(case, queries.texts_of(case), people) for case in cases)
    return found


def match_again() -> int:
    """Look for everybody in every open case once more, for cards that came since; return how many are new."""
    return _match_everywhere(queries.list_people(), only_open=True)


def clear_named(*, complaint: Complaint, named_id: int, reason: str, staff: Staff) -> None:
    """Let somebody see a complaint that names somebody else; raises NotFound when the match does not hold any more."""
    named = queries.get_named(complaint.id, named_id)
    named.cleared_at = clock.now()
    add_event(complaint, "cleared", public=False, text=reason, staff=staff)
    audit.record("complaint.named.clear", f"complaint:{complaint.id}", staff_id=staff.id, named_id=named.id)


def add_named(*, complaint: Complaint, account_id: int | None, card: str, reason: str, staff: Staff) -> None:
    """Keep a complaint from an account, from whoever has a card, or both.

    Raises Refusal when neither is given or there is no such card.
    """
    officer_id = queries.find_card(card)
    if card and officer_id is None:
        raise Refusal(_l("There is no card with this number."), field="card")
    if account_id is None and officer_id is None:
        raise Refusal(_l("Choose an account, or enter a card number."), field="account")
    for person in queries.list_people():
        if account_id is not None and person.staff_id == account_id:
            officer_id = officer_id or person.officer_id
        elif account_id is None and officer_id == person.officer_id:
            account_id = person.staff_id
    _keep(complaint, account_id, officer_id, STAFF)
    add_event(complaint, "named", public=False, text=reason, staff=staff)
    audit.record("complaint.named.add", f"complaint:{complaint.id}", staff_id=staff.id, account_id=account_id)
