"""Keeping organs and their yearly recognition: entered, renamed, ended, followed by another, announced."""

import hashlib
from collections.abc import Collection, Set
from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.audit import service as audit
from portal.db import batched, db
from portal.errors import Conflict, NotFound, Refusal, TransitionError
from portal.organs import queries, rules
from portal.organs.models import Officer, Organ, OrganKind, RecognisedOrgan, Recognition
from portal.search import service as search
from portal.search.models import EntryKind


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the public reads of an organ."""

    slug: str
    name: str
    kind: OrganKind
    name_en: str = ""
    short_name: str = ""
    legal_ground: str = ""
    credit_code: str | None = None
    address: str = ""
    phone: str = ""
    valid_from: date | None = None


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What a yearly announcement says, and which organs it names."""

    year: int
    title: str
    announced_on: date
    document_number: str = ""
    issuer: str = ""
    body: str = ""
    organ_ids: Collection[int] = ()


def create_organ(*, slug: str, name: str, **values: object) -> Organ:
    """Create an organ and make it findable; `values` are the other columns."""
    organ = Organ(slug=slug, name=name, **values)
    db.session.add(organ)
    db.session.flush()
    index_organ(organ)
    return organ


def keep_organs(names: Set[str]) -> dict[str, int]:
    """Return the ids of organs by name; one that nobody has entered is kept as not confirmed."""
    found: dict[str, int] = {}
    for some in batched(sorted(names)):
        rows = db.session.execute(sa.select(Organ.name, Organ.id).where(Organ.name.in_(some)))
        found |= {row.name: row.id for row in rows}
    for name in sorted(names - found.keys()):
        slug = f"imported-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
        found[name] = create_organ(slug=slug, name=name, confirmed=False).id
    return found


def enter_organ(*, content: Content, staff_id: int | None) -> Organ:
    """Enter an organ; raises Conflict when its name or address is taken."""
    _refuse_taken(content)
    organ = create_organ(**asdict(content))
    audit.record("organ.create", f"organ:{organ.id}", staff_id=staff_id)
    return organ


def update_organ(*, organ: Organ, content: Content, staff_id: int | None) -> bool:
    """Change an organ and confirm it; False when nothing differs. Raises Conflict when name or address are taken."""
    wanted = asdict(content) | {"confirmed": True}
    changed = [name for name, value in wanted.items() if getattr(organ, name) != value]
    if not changed:
        return False
    _refuse_taken(content, organ.id)
    if content.valid_from and organ.valid_to and content.valid_from > organ.valid_to:
        raise Refusal(_l("This lies behind the organ's last day."), field="valid_from")
    for name in changed:
        setattr(organ, name, wanted[name])
    db.session.flush()
    index_organ(organ)
    audit.record("organ.edit", f"organ:{organ.id}", staff_id=staff_id, changed=changed)
    return True


def _refuse_taken(content: Content, own_id: int | None = None) -> None:
    for column, words in (
        (Organ.name, _l("There is an organ with this name.")),
        (Organ.slug, _l("Another organ has this address.")),
    ):
        taken = db.session.scalar(sa.select(Organ.id).where(column == getattr(content, column.key)))
        if taken not in (None, own_id):
            raise Conflict(words, field=column.key)


def end_organ(*, organ: Organ, last_day: date, successor_id: int | None, staff_id: int | None) -> None:
    """Let an organ end on a day, followed by another or by none.

    Raises Refusal when the successor has ended by then, is not confirmed, or would follow itself.
    """
    if organ.valid_from and last_day < organ.valid_from:
        raise Refusal(_l("The organ would end before it began."), field="last_day")
    if successor_id is not None:
        _check_successor(organ, last_day, successor_id)
    organ.valid_to, organ.successor_id = last_day, successor_id
    db.session.flush()
    index_organ(organ)
    audit.record("organ.end", f"organ:{organ.id}", staff_id=staff_id, last_day=str(last_day), successor=successor_id)


def _check_successor(organ: Organ, last_day: date, successor_id: int) -> None:
    organs = queries.load_organs()
    found = organs.get(successor_id)
    if found is None or not found.confirmed:
        raise Refusal(_l("Choose an organ of the list."), field="successor")
    if rules.leads_back(organ.id, successor_id, queries.lives_of(organs)):
        raise Refusal(_l("An organ cannot follow itself."), field="successor")
    if found.valid_to is not None and found.valid_to <= last_day:
        raise Refusal(_l("This organ has ended by then itself."), field="successor")
    if found.valid_from is not None and found.valid_from > last_day + rules.DAY:
        raise Refusal(_l("This organ begins later; nobody would stand in between."), field="successor")


def reopen_organ(*, organ: Organ, staff_id: int | None) -> None:
    """Take back that an organ ends."""
    organ.valid_to = organ.successor_id = None
    db.session.flush()
    index_organ(organ)
    audit.record("organ.reopen", f"organ:{organ.id}", staff_id=staff_id)


def rename_organ(*, organ: Organ, content: Content, staff_id: int | None) -> Organ:
    """Enter an organ's new name as an organ that follows it; pages and decisions of the old one stay where they are.

    Raises Refusal when the old one has ended already, or began on that day or later.
    """
    if organ.valid_to is not None:
        raise TransitionError(_l("This organ ends already. Take that back first."))
    if content.valid_from is None:
        raise Refusal(_l("Enter a day"), field="valid_from")
    if organ.valid_from and organ.valid_from >= content.valid_from:
        raise Refusal(_l("The organ would end before it began."), field="valid_from")
    renamed = enter_organ(content=content, staff_id=staff_id)
    renamed.supervises = organ.supervises
    last_day = content.valid_from - rules.DAY
    end_organ(organ=organ, last_day=last_day, successor_id=renamed.id, staff_id=staff_id)
    if last_day < clock.today():
        pass_on_officers(organ=organ, staff_id=staff_id)
    return renamed


def pass_on_officers(*, organ: Organ, staff_id: int | None) -> int:
    """Let the officers of an organ that has ended belong to its successor; return how many there were."""
    if organ.successor_id is None or organ.valid_to is None or organ.valid_to >= clock.today():
        raise TransitionError(_l("Officers pass on once their organ has ended and another follows it."))
    moved = db.session.execute(
        sa.update(Officer).where(Officer.organ_id == organ.id).values(organ_id=organ.successor_id)
    )
    count: int = moved.rowcount  # type: ignore[attr-defined]
    details = {"count": count, "successor": organ.successor_id}
    audit.record("organ.pass_on_officers", f"organ:{organ.id}", staff_id=staff_id, **details)
    return count


def index_organ(organ: Organ) -> None:
    """Enter an organ into the search, or take it out while it is not confirmed; one that ended leads to who follows."""
    if not organ.confirmed:
        search.remove(EntryKind.ORGAN, organ.id)
        return
    entry = search.Entry(
        record_id=organ.id,
        url=rules.path(organ.slug),
        title=organ.name,
        passage=" ".join(filter(None, (organ.name_en, organ.legal_ground, organ.address))),
        keywords=f"{organ.short_name} {organ.credit_code or ''}",
        organ_id=organ.id,
        published_on=organ.valid_from or clock.today(),
    )
    search.index(EntryKind.ORGAN, entry)


def announce(*, announcement: Announcement, staff_id: int | None) -> Recognition:
    """Publish a year's recognition; raises Conflict when that year has one."""
    recognition = Recognition(organs=[])
    _write(recognition, announcement)
    audit.record("recognition.create", f"recognition:{recognition.id}", staff_id=staff_id)
    return recognition


def correct_announcement(*, recognition: Recognition, announcement: Announcement, staff_id: int | None) -> None:
    """Change a year's recognition; raises Conflict when it is moved to a year that has one."""
    _write(recognition, announcement)
    audit.record("recognition.edit", f"recognition:{recognition.id}", staff_id=staff_id)


def _write(recognition: Recognition, said: Announcement) -> None:
    other = queries.find_recognition(said.year)
    if other is not None and other.id != recognition.id:
        raise Conflict(_l("There is an announcement for this year."), field="year")
    known = set(db.session.scalars(sa.select(Organ.id).where(Organ.confirmed, Organ.id.in_(said.organ_ids))))
    if known != set(said.organ_ids):
        raise NotFound(_l("Choose organs of the list."), field="organs")
    for name in ("year", "title", "announced_on", "document_number", "issuer", "body"):
        setattr(recognition, name, getattr(said, name))
    kept = [named for named in recognition.organs if named.organ_id in known]
    new = known - {named.organ_id for named in kept}
    recognition.organs = [*kept, *(RecognisedOrgan(organ_id=organ_id) for organ_id in sorted(new))]
    db.session.add(recognition)
    db.session.flush()
