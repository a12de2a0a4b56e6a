"""Writing complaints: filing, following, handling. Callers commit."""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import current_app
from flask_babel import lazy_gettext as _l

from portal import clock, direct, uploads
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.calendar.queries import get_calendar
from portal.calendar.rules import WorkingCalendar
from portal.case_types.queries import get_case_type, load_case_types
from portal.case_types.rules import Pause, due
from portal.complaint_routing.queries import About, suggest
from portal.complaints import outbox, queries, rules
from portal.complaints.models import (
    BLANK,
    Channel,
    Complaint,
    ComplaintDay,
    ComplaintEvent,
    ComplaintFile,
    ComplaintKind,
    ComplaintState,
    Finding,
    envelope_context,
    wrap_key,
)
from portal.contacts.service import find_contact_id
from portal.db import db, upsert
from portal.errors import Conflict, TransitionError
from portal.security import CODE_ALPHABET, check_password
from portal.vault import get_vault, new_data_key, seal, seal_json, unseal


@dataclass(frozen=True, kw_only=True)
class Filing:
    """What a sender says; `phone` is in E.164 or empty.

    `registered_by_id` is the member of staff who wrote it down for a sender by telephone, on paper or at the window,
    and `received_on` the day on which it came in, where that was before today: the periods run from then.
    """

    key: str
    kind: ComplaintKind
    category: str
    organ_id: int | None
    officer: str
    facts: str
    wants: str
    happened_on: date | None
    place: str
    anonymous: bool
    sender_name: str = ""
    phone: str = ""
    sms_wanted: bool = False
    publish_consent: bool = False
    locale: str = "zh_Hans"
    files: Sequence[uploads.Staged] = ()
    power_item_id: int | None = None
    street: str = ""
    sender_address: str = ""
    case_type: str = ""
    channel: Channel = Channel.WEB
    external_number: str | None = None
    registered_by_id: int | None = None
    received_on: date | None = None

    @property
    def case_type_key(self) -> str:
        return self.case_type or self.kind.value


class Terms(NamedTuple):
    """What the data say of a new case: until when it has to be accepted and answered, and which organ handles it."""

    accept_due_on: date
    answer_due_on: date
    handler_organ_id: int | None


class Entered(NamedTuple):
    """The id of the complaint that a form made, just now or before."""

    id: int
    is_new: bool


# Looks at a complaint, by id and by what its sender said, as soon as it is written.
Watcher = Callable[[int, Filing], object]
_watchers: list[Watcher] = []
_GIVE_BACK = sa.update(ComplaintDay).where(ComplaintDay.day == sa.bindparam("on")).values(given=ComplaintDay.given - 1)
_FIRST_EVENT = sa.insert(ComplaintEvent).values(
    complaint_id=None, at=None, action="submit", public=True, staff_id=None, text_sealed=None
)


@dataclass(frozen=True)
class QueryCode:
    """A query code and what is stored of it."""

    code: str = field(repr=False)
    hash: str


def make_code() -> QueryCode:
    """Make a query code: 12 characters, 60 bits."""
    code = "".join(CODE_ALPHABET[byte % 32] for byte in secrets.token_bytes(rules.CODE_LENGTH))
    return QueryCode(code, hash_code(code, secrets.token_hex(16)))


def hash_code(code: str, salt: str) -> str:
    """Return what is stored of a query code.

    A salted HMAC under the vault's key: 60 random bits need no slow hash once a key outside the database is part of
    it, and who has both has the sealed texts as well.
    """
    return f"hmac${salt}${get_vault().digest('complaint-code', salt + code).hex()}"


def code_fits(stored: str | None, code: str) -> bool:
    """Whether a query code is the one stored; as much work when there is no such case, or a case without a code."""
    if stored is not None and stored.startswith("$argon2"):
        return check_password(stored, code)
    known = stored if stored is not None and stored.startswith("hmac$") else f"hmac${'0' * 32}$"
    _scheme, salt, _digest = known.split("$")
    return hmac.compare_digest(hash_code(code, salt), known)


def show_code(complaint: Complaint) -> str:
    """Return the query code while it may be shown, an empty string afterwards."""
    until = complaint.code_sealed_until
    if complaint.code_sealed is None or until is None or until <= clock.now():
        return ""
    return unseal(complaint.open_data_key(), complaint.code_sealed, complaint.seal_context("code_sealed")).decode()


def watch_filing(watcher: Watcher) -> None:
    """Have every complaint that comes in looked at from now on, in the transaction that writes it."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def find_terms(filing: Filing) -> Terms:
    """Return what the data say of a new case; found within `reading`, nobody waits for it."""
    kind = load_case_types()[filing.case_type_key]
    return Terms(*rules.plan(kind, get_calendar(), filing.received_on or clock.today()), choose_handler(filing))


def file_complaint(*, filing: Filing, code: QueryCode) -> Complaint:
    """Write a complaint with number, files, first event and acknowledgement; the same key gives the same case.

    Raises Conflict when a staged file is gone.
    """
    return queries.get_for_sender(enter_complaint(filing=filing, code=code, terms=find_terms(filing)).id)


def enter_complaint(*, filing: Filing, code: QueryCode, terms: Terms) -> Entered:
    """Write a complaint as `file_complaint` does, in the few statements it takes, without reading it back.

    A hundred people may send one at the same moment, and on SQLite they wait for each other.
    """
    db.session.flush()
    _forget_codes_now_and_then()
    known = queries.find_submitted(filing.key)
    if known is not None:
        return Entered(known, is_new=False)
    for file in filing.files:
        uploads.keep(file)
    complaint = _values_of(filing, code, terms)
    entered = direct.run(_entering, complaint)
    if not entered:
        # The same form, sent twice at the same moment: the other one has it, and this number goes to the next.
        direct.run(_GIVE_BACK, {"on": clock.today()})
        return Entered(queries.find_submitted(filing.key) or 0, is_new=False)
    number = entered[0][0]
    for watcher in _watchers:
        watcher(number, filing)
    if filing.files:
        whole = queries.get_for_sender(number)
        db.session.add_all(new_file(whole, file) for file in filing.files)
    direct.run(_FIRST_EVENT, {"complaint_id": number, "at": clock.now()})
    outbox.tell_sender(SimpleNamespace(id=number, **complaint), outbox.RECEIVED)
    return Entered(number, is_new=True)


def _values_of(filing: Filing, code: QueryCode, terms: Terms) -> dict[str, Any]:
    now, today, named = clock.now(), clock.today(), not filing.anonymous
    came_on = filing.received_on or today
    return BLANK | {
        **_seal(take_number(today), filing, code),
        "code_hash": code.hash,
        "code_sealed_until": now + rules.CODE_SHOWN_FOR,
        "submission_key": filing.key,
        "kind": filing.kind,
        "category": filing.category,
        "case_type_key": filing.case_type_key,
        "channel": filing.channel,
        "external_number": filing.external_number,
        "registered_by_id": filing.registered_by_id,
        "delicate": rules.for_supervisors(filing.kind, filing.officer),
        "organ_id": filing.organ_id,
        "power_item_id": filing.power_item_id,
        "happened_on": filing.happened_on,
        "street": filing.street,
        "anonymous": filing.anonymous,
        "contact_id": find_contact_id(filing.phone, locale=filing.locale) if named and filing.phone else None,
        "sms_wanted": bool(named and filing.phone and filing.sms_wanted),
        "publish_consent": filing.publish_consent,
        "locale": filing.locale,
        "received_at": now if came_on == today else clock.start_of(came_on),
        "clock_from_on": came_on,
        **terms._asdict(),
        "next_due_on": terms.accept_due_on,
    }


def _seal(number: str, filing: Filing, code: QueryCode) -> dict[str, Any]:
    """Return a new complaint's number and key, and what is sealed under it: each envelope once."""
    key = new_data_key()
    texts = {name: getattr(filing, name) for name in ("officer", "facts", "wants", "place")}
    identity = {} if filing.anonymous else {name: getattr(filing, name) for name in ("sender_name", "sender_address")}
    sealed: dict[str, Any] = {"number": number, "data_key": wrap_key(key, number)}
    for envelope, content in (("texts_sealed", texts), ("identity_sealed", identity)):
        kept = {name: text for name, text in content.items() if text}
        sealed[envelope] = seal_json(key, kept, envelope_context(envelope, number)) if kept else None
    sealed["code_sealed"] = seal(key, code.code.encode(), envelope_context("code_sealed", number))
    return sealed


@cache
def _entering(_dialect: str) -> Any:
    """Return the statement that writes a complaint, made once for each dialect."""
    statement = upsert(Complaint).values(BLANK).on_conflict_do_nothing(index_elements=["submission_key"])
    return statement.returning(Complaint.id)


def set_deadlines(complaint: Complaint, calendar: WorkingCalendar | None = None) -> None:
    """Work out every deadline of a complaint anew: from its kind of case, its pauses, an extension and the calendar.

    While the sender is waited for nothing is due; the deadlines then stay as they stood. Who works out many of them
    reads the calendar once.
    """
    kind, calendar = get_case_type(complaint.case_type_key or complaint.kind.value), calendar or get_calendar()
    pauses = [Pause(pause.since, pause.until) for pause in complaint.pauses]
    start, within = complaint.clock_from_on, kind.answer_within + complaint.extended_by
    accept = due(calendar, start, kind.accept_within, kind.accept_unit, pauses)
    answer = due(calendar, start, within, kind.answer_unit, pauses)
    complaint.accept_due_on = accept.day if accept else complaint.accept_due_on
    complaint.answer_due_on = answer.day if answer else complaint.answer_due_on
    complaint.next_due_on = queries.find_next_due(complaint)


def new_file(complaint: Complaint, file: uploads.Staged, *, event_id: int | None = None) -> ComplaintFile:
    """Return the record of a kept file, which came with an event where it did not come with the complaint."""
    return ComplaintFile(
        complaint=complaint,
        event_id=event_id,
        token=file.token,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        clean_sha256=file.clean_sha256,
        caution=file.caution,
    )


def choose_handler(filing: Filing) -> int | None:
    """Return the organ that a new complaint belongs to; none when only administrators may give it to somebody."""
    subjects = frozenset() if filing.organ_id is None else frozenset({filing.organ_id})
    about = About(
        delicate=rules.for_supervisors(filing.kind, filing.officer),
        subjects=subjects,
        organ_id=filing.organ_id,
        power_item_id=filing.power_item_id,
        street=filing.street,
    )
    return suggest(about, on=clock.today()).organ_id


def take_number(today: date) -> str:
    """Return the next number of a day; two filings at once wait for each other."""
    return rules.format_number(today, direct.run(_counting, {"day": today})[0][0])


@cache
def _counting(_dialect: str) -> Any:
    first = upsert(ComplaintDay).values(day=None, given=1)
    more = first.on_conflict_do_update(index_elements=["day"], set_={"given": ComplaintDay.given + 1})
    return more.returning(ComplaintDay.given)


def add_event(
    complaint: Complaint, action: str, *, public: bool, text: str = "", staff: Staff | None = None
) -> ComplaintEvent:
    """Add one thing that happened to a complaint."""
    event = ComplaintEvent(
        complaint=complaint,
        at=clock.now(),
        action=action,
        public=public,
        text=text,
        staff_id=staff.id if staff else None,
    )
    db.session.add(event)
    db.session.flush()
    return event


def forget_codes() -> int:
    """Erase the seals of codes that may no longer be shown; return how many."""
    result = db.session.execute(
        sa.update(Complaint)
        .where(Complaint.code_sealed_until <= clock.now())
        .values(code_sealed=None, code_sealed_until=None)
        .returning(Complaint.id)
        .execution_options(synchronize_session=False)
    )
    return len(result.all())


def _forget_codes_now_and_then() -> None:
    # The notifier does so too; where none runs, whoever comes erases what may no longer be shown.
    now, kept = clock.now(), current_app.extensions
    if now - kept.get("codes_forgotten_at", now - timedelta(minutes=1)) >= timedelta(minutes=1):
        kept["codes_forgotten_at"] = now
        forget_codes()


def confirm_code(complaint: Complaint) -> None:
    """Erase the seal: the sender has the code, and from now on nobody can show it."""
    complaint.code_sealed = None
    complaint.code_sealed_until = None
    db.session.flush()


def move(complaint: Complaint, action: str) -> None:
    """Bring a complaint to the state that an action leads to.

    Raises TransitionError when it is not possible any more.
    """
    try:
        complaint.state = ComplaintState(rules.next_state(complaint.state, action))
        complaint.next_due_on = queries.find_next_due(complaint)
    except TransitionError as problem:
        words = _l("This step is not possible any more; below is how it stands now.")
        raise TransitionError(words, **problem.details) from problem


def lock_for_sender(complaint_id: int) -> Complaint:
    """Return a complaint for its sender to change, making everybody else wait."""
    statement = sa.select(Complaint).where(Complaint.id == complaint_id).with_for_update(of=Complaint)
    complaint = db.session.scalar(statement.execution_options(populate_existing=True))
    return complaint or queries.get_for_sender(complaint_id)


def open_for_step(*, complaint_id: int, staff: Staff, seen: str | None = None) -> Complaint:
    """Return a complaint for a member of staff to change, making everybody else wait.

    Raises NotFound when it is not for them, Conflict when something happened after the event they had `seen`.
    """
    complaint = queries.get_for_staff(complaint_id, staff, lock=True)
    last, name = queries.get_last_event(complaint)
    if seen is not None and seen != str(last):
        if name:
            raise Conflict(_l("%(name)s has just handled this; below is how it stands now.", name=name))
        raise Conflict(_l("The sender has just added something; below is how it stands now."))
    return complaint


def refuse_complaint(*, complaint: Complaint, staff: Staff, reason: str) -> None:
    """Do not accept a complaint, with a reason that its sender reads."""
    move(complaint, "refuse")
    complaint.refusal_reason = reason
    finish_step(complaint, "refuse", staff, outbox.REFUSED)


def answer_complaint(*, complaint: Complaint, staff: Staff, answer: str, finding: Finding | None = None) -> None:
    """Answer a complaint, with what was found where there was something to find, and tell its sender."""
    move(complaint, "answer")
    complaint.answer, complaint.finding = answer, finding
    complaint.answered_at = clock.now()
    finish_step(complaint, "answer", staff, outbox.ANSWERED)


def finish_step(complaint: Complaint, action: str, staff: Staff, template: str) -> None:
    """Put a step that the sender sees on record, and tell them."""
    add_event(complaint, action, public=True, staff=staff)
    audit.record(f"complaint.{action}", f"complaint:{complaint.id}", staff_id=staff.id)
    outbox.tell_sender(complaint, template, nth=sum(event.action == action for event in complaint.events))
