"""Filling a data directory with the demonstration."""

import csv
import secrets
import tempfile
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa

from portal import clock
from portal.accounts.models import Role, Staff
from portal.accounts.service import create_staff
from portal.audit import service as audit
from portal.bases import importer as bases_importer
from portal.complaint_publication.queries import get_sheet
from portal.complaint_publication.service import Words, confirm, release, save_words
from portal.complaint_tracking.rules import BAD_GRADES
from portal.complaints import rules as complaint_rules
from portal.complaints.models import Complaint, ComplaintState
from portal.complaints.service import hash_code
from portal.db import db
from portal.decision_endings.service import expire_some
from portal.decisions.service import index_decision
from portal.demo import importer, outbox, rules
from portal.discretion import importer as discretion
from portal.imports.importer import commit_draft
from portal.officers.service import add_officer
from portal.organs.models import Organ, OrganKind
from portal.organs.service import Announcement, announce, create_organ
from portal.permit_imports.importer import PERMITS
from portal.powers.importer import enter_powers
from portal.powers.queries import find_item
from portal.powers.service import TransferContent, add_transfer
from portal.publication import service as publication
from portal.rectifications.service import open_rectification
from portal.registers import Register, read_register
from portal.risk_batches.service import submit
from portal.risk_periods.queries import dates_of, list_periods
from portal.risk_periods.rules import DAY, next_span
from portal.risk_periods.service import prepare_next

SAMPLE = "permits-sample.csv"


def load(*, password: str, signature: str, hotline: str, data_dir: Path) -> bool:
    """Load the demonstration into an empty database; False when it is there already."""
    if db.session.scalar(sa.select(Staff.id).limit(1)):
        return False
    code_hash = hash_code(complaint_rules.read_code(rules.SHOWN_CODE), secrets.token_hex(16))
    organs = create_organs()
    create_officers(organs)
    create_accounts(organs, password)
    import_texts()
    import_standards()
    create_register(organs)
    import_registers(data_dir)
    scene = importer.Scene.look(organs)
    decisions = importer.write_decisions(scene)
    for decision in decisions:
        index_decision(decision)
    importer.write_revisits(scene, decisions)
    importer.write_complaints(scene, code_hash=code_hash)
    outbox.write_messages(scene, signature=signature, hotline=hotline)
    open_risk_periods()
    follow_answers()
    publication.load_facts()
    # From here on the public log goes along, as it does in real life.
    importer.tell_stories(scene, decisions)
    while expire_some(clock.today()):
        pass
    audit.record("demo.load", "demo")
    db.session.commit()
    return True


def list_hints() -> list[str]:
    """Return what to try first that depends on the data."""
    # Only one complaint has a code that anybody knows; those filed since have codes of their own.
    number = db.session.scalar(
        sa.select(Complaint.number).where(Complaint.code_hash != "-").order_by(Complaint.id).limit(1)
    )
    return [f"Follow complaint {number} with the query code {rules.SHOWN_CODE}."] if number else []


def follow_answers() -> None:
    """Publish an answer on each subject but one, which waits for a second person; leave two bad grades to put right."""
    office = sa.select(Staff).where(Staff.role.in_([Role.SUPERVISOR, Role.ADMIN])).order_by(Staff.id).limit(2)
    writer, second = db.session.scalars(office)
    found = sa.select(Complaint).where(Complaint.state == ComplaintState.ANSWERED)
    answered = db.session.scalars(found.order_by(Complaint.answered_at)).all()
    for case in [case for case in answered if case.grade in BAD_GRADES][-2:]:
        open_rectification(complaint=case)
    waiting, *others = {case.title: case for case in answered}.values()
    for case in (waiting, *others):
        case.publish_consent = True
        words = Words(title=case.title, question=case.facts, answer=case.answer)
        edition = save_words(complaint=case, staff=writer, words=words)
        confirm(complaint=case, staff=writer, seen=get_sheet(edition).seen)
        if case is not waiting:
            release(complaint=case, staff=second, seen=get_sheet(edition).seen)


def open_risk_periods() -> None:
    """Switch on what concerns the demonstration's firms by practice; leave the nearest batch to be approved."""
    clerk = db.session.scalars(sa.select(Staff).where(Staff.role == Role.CLERK).order_by(Staff.id).limit(1)).one()
    for period in list_periods(active=False):
        period.active = period.code in rules.facts()["risk_periods"]
    today = clock.today()
    spans = [(next_span(dates_of(period), today + DAY), period) for period in list_periods(active=True)]
    known = sorted(((span.starts_on, period.id, period) for span, period in spans if span))
    for place, (_starts_on, _id, period) in enumerate(known[:2]):
        batch = prepare_next(period=period, staff=clerk)
        if place == 0:
            submit(batch=batch, staff=clerk)


def import_texts() -> None:
    """Bring in the invented regulations, by the importer that brings in real ones."""
    outcome = bases_importer.Outcome()
    bases_importer.import_sources(bases_importer.read_files(rules.DATA, outcome), outcome)


def import_standards() -> None:
    """Bring in the invented discretion standards, by the importer that brings in real ones."""
    sheet = rules.DATA / "discretion.csv"
    discretion.enter_standards(read_register(sheet, discretion.COLUMNS, discretion.REQUIRED))


def import_registers(data_dir: Path) -> None:
    """Bring in the invented permits, by the importer that brings in real ones; leave a spreadsheet to try it with."""
    today = clock.today()
    write_sheet(data_dir / SAMPLE, rules.sample_rows(today))
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder) / "permits.csv"
        write_sheet(sheet, rules.permit_rows(today))
        known = PERMITS.load_known(None)
        commit_draft(PERMITS, PERMITS.read_file(sheet, known), known)


def write_sheet(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as a spreadsheet that Excel opens right."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.DictWriter(file, fieldnames=list(rows[0]))
        sheet.writeheader()
        sheet.writerows(rows)


def create_organs() -> dict[str, Organ]:
    """Create the dozen organs, by slug."""
    organs: dict[str, Organ] = {}
    for entry in rules.facts()["organs"]:
        organs[entry["slug"]] = create_organ(
            slug=entry["slug"],
            name=entry["name"],
            name_en=entry["name_en"],
            short_name=entry["short_name"],
            kind=OrganKind(entry.get("kind", "statutory")),
            phone=entry["phone"],
            address=entry["address"],
            legal_ground="本级人民政府确认的行政执法主体（虚构）",
            credit_code=rules.organ_code(len(organs) + 1),
            supervises=entry.get("supervises", False),
            valid_from=date(2019, 3, 1),
        )
    return organs


def create_officers(organs: dict[str, Organ]) -> None:
    """Create officers; every ninth card has run out, every fourteenth is suspended."""
    today = clock.today()
    number = 0
    for entry in rules.facts()["organs"]:
        for _ in range(entry.get("officers", 0)):
            number += 1
            officer = add_officer(
                organ=organs[entry["slug"]],
                name=rules.officer_name(number),
                card_number=rules.card_number(number),
                category="行政执法",
                valid_from=today - timedelta(days=900),
                valid_to=today - timedelta(days=30) if number % 9 == 0 else today + timedelta(days=400 + number),
            )
            officer.suspended_on = today - timedelta(days=5) if number % 14 == 0 else None


def create_accounts(organs: dict[str, Organ], password: str) -> None:
    """Create one account for each role."""
    for entry in rules.facts()["staff"]:
        create_staff(
            email=entry["email"],
            name=entry["name"],
            role=Role(entry["role"]),
            password=password,
            organ_id=organs[entry["organ"]].id,
        )


def create_register(organs: dict[str, Organ]) -> None:
    """Create the organs that earlier ones became, the power list with its transfers, and two years' recognition."""
    words, today = rules.register(), clock.today()
    for year in (today.year - 1, today.year):
        said = {name: text.format(year=year) for name, text in words["recognition"].items()}
        living = [organ.id for organ in organs.values()]
        announced_on = min(date(year, 1, 20), today)
        announce(
            announcement=Announcement(year=year, announced_on=announced_on, organ_ids=living, **said), staff_id=None
        )
    known = organs | create_former(organs)
    rows = [
        (number, item | {"organ": known[item["organ"]].name, "basis_text": item["basis"]})
        for number, item in enumerate(words["powers"])
    ]
    outcome = enter_powers(Register(rows, {}))
    assert not outcome.rejected, outcome.rejected
    for entry in words["transfers"]:
        item = find_item(entry["code"])
        assert item
        add_transfer(item=item, content=read_transfer(entry, known), staff_id=None)


def create_former(organs: dict[str, Organ]) -> dict[str, Organ]:
    """Create the organs that were renamed or merged, by slug."""
    return {
        entry["slug"]: create_organ(
            slug=entry["slug"],
            name=entry["name"],
            name_en=entry["name_en"],
            short_name=entry["short_name"],
            legal_ground="本级人民政府确认的行政执法主体（虚构）",
            valid_from=date(2005, 1, 1),
            valid_to=date.fromisoformat(entry["last_day"]),
            successor_id=organs[entry["successor"]].id,
        )
        for entry in rules.register()["former"]
    }


def read_transfer(entry: dict[str, str], organs: dict[str, Organ]) -> TransferContent:
    """Return a transfer of the demonstration's."""
    return TransferContent(
        organ_id=organs[entry["organ"]].id,
        since=date.fromisoformat(entry["since"]),
        until=date.fromisoformat(entry["until"]) if "until" in entry else None,
        document_number=entry["document_number"],
        note=entry["note"],
    )
