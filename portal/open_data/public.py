"""Feeds, exports, and the page that explains what can be taken from here."""

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, render_template, request, send_file, stream_with_context, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import clock, limits
from portal.cli import current_settings
from portal.complaint_publication.models import PublishedAnswer
from portal.complaint_publication.queries import EVERY_ANSWER, list_answers
from portal.decisions.forms import KIND_LABELS
from portal.decisions.models import DecisionKind
from portal.decisions.public import read_filter
from portal.decisions.queries import Filter, public_party_name
from portal.decisions.rules import path
from portal.errors import NotFound
from portal.open_data import queries, rules
from portal.organs.queries import list_names
from portal.paging import whole_number

blueprint = Blueprint("open_data", __name__)

# How many rows an export has at most: a whole workbook is made before the first byte of it is sent.
MOST = {"csv": 50_000, "json": 50_000, "xlsx": 10_000}
BOM = "\ufeff"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/open-data", strict_slashes=False)
def index() -> str:
    """Explain feeds, exports, the interface for programs and the licence."""
    return render_template(
        "public/open_data/index.html",
        organs=list_names(),
        kind_labels={kind.value: str(label) for kind, label in KIND_LABELS.items()},
        most=MOST,
        newest=queries.NEWEST,
        columns={name: found for name, found in rules.COLUMNS.items() if name != "any"},
    )


@blueprint.get("/feeds/decisions.atom")
def feed() -> Response:
    """Send the newest decisions, of one organ and kind where the address says so."""
    organ_id, root = whole_number(request.args.get("organ")), current_settings().public_url
    kind = next((kind for kind in DecisionKind if kind == request.args.get("kind")), None)
    organ = next((row for row in list_names() if row.id == organ_id), None)
    if organ_id and organ is None:
        raise NotFound(_l("There is no organ at this address."))
    rows = queries.list_newest(Filter(organ_id=organ_id, kind=kind), on=clock.today())
    asked = {"organ": organ_id, "kind": kind.value if kind else None}
    named: dict[str, Any] = {name: value for name, value in asked.items() if value}
    moments = [row.corrected_at or row.published_at for row in rows]
    text = rules.atom(
        address=root + url_for("open_data.feed", **named),
        page=root + url_for("decisions.index", **named),
        title=" · ".join(
            filter(None, [_("Enforcement decisions"), organ.name if organ else "", rules.KINDS[kind] if kind else ""])
        ),
        updated=clock.local(max(moments, default=clock.start_of(clock.today()))),
        entries=[make_entry(row, root) for row in rows],
    )
    return Response(text, mimetype="application/atom+xml")


def make_entry(row: Any, root: str) -> rules.Entry:
    """Return a decision as an entry of a feed."""
    party = public_party_name(row.party_kind, row.party_name)
    parts = (rules.KINDS[row.kind], row.document_number, party, row.violation, row.content)
    return rules.Entry(
        address=root + path(row.id),
        title=row.title,
        summary=" · ".join(filter(None, parts)),
        author=row.organ_name,
        published=clock.local(row.published_at),
        updated=clock.local(row.corrected_at or row.published_at),
    )


@blueprint.get("/feeds/answers.atom")
def answers() -> Response:
    """Send the newest published answers to complaints and questions."""
    root, rows = current_settings().public_url, list_answers(EVERY_ANSWER, 1).items
    text = rules.atom(
        address=root + url_for("open_data.answers"),
        page=root + url_for("answers.index"),
        title=_("Cases and answers"),
        updated=max((month_of(row) for row in rows), default=clock.local(clock.start_of(clock.today()))),
        entries=[make_answer_entry(row, root) for row in rows],
    )
    return Response(text, mimetype="application/atom+xml")


def make_answer_entry(row: PublishedAnswer, root: str) -> rules.Entry:
    """Return a published answer as an entry of a feed."""
    published = month_of(row)
    return rules.Entry(
        address=root + url_for("answers.show", answer_id=row.id),
        title=row.title,
        summary=f"{row.question}\n\n{row.answer}",
        author=row.organ.name if row.organ else current_settings().city_name,
        published=published,
        updated=published,
    )


def month_of(row: PublishedAnswer) -> datetime:
    """Return the start of the month in which an answer was published: a feed tells no more of when than its page."""
    return clock.local(clock.start_of(clock.local(row.created_at).date().replace(day=1)))


@blueprint.get("/exports/decisions.<form>")
def export(form: str) -> Response:
    """Send a filtered list whole, up to the cap; its name says when it was cut."""
    if form not in MOST:
        raise NotFound(_l("There is nothing at this address."))
    limits.count("export")
    wanted, on, most = read_filter(), clock.today(), MOST[form]
    kind, columns = rules.columns_of(wanted.kind)
    cut = queries.has_more(wanted, on=on, than=most)
    name = f"decisions-{kind}-{on.isoformat()}{f'-first-{most}' if cut else ''}.{form}"
    if request.method == "HEAD":
        answer = Response(mimetype={"csv": "text/csv", "json": "application/json", "xlsx": XLSX}[form])
    elif form == "xlsx":
        answer = send_file(write_xlsx(walk_cells(wanted, columns, most), kind, columns), mimetype=XLSX)
    elif form == "csv":
        answer = Response(
            stream_with_context(write_csv(walk_cells(wanted, columns, most), columns)), mimetype="text/csv"
        )
    else:
        written = write_json(walk_values(wanted, most), columns, cut=cut)
        answer = Response(stream_with_context(written), mimetype="application/json")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["X-Complete"] = "no" if cut else "yes"
    return answer


def walk_values(wanted: Filter, most: int) -> Iterator[list[dict[str, str]]]:
    """Yield what the exports say, in pieces."""
    root = current_settings().public_url
    for piece in queries.walk(wanted, on=clock.today(), limit=most):
        yield [queries.values_of(row, root=root) for row in piece]


def walk_cells(wanted: Filter, columns: Any, most: int) -> Iterator[list[list[str]]]:
    """Yield rows of cells that no spreadsheet program runs, in pieces."""
    for piece in walk_values(wanted, most):
        yield [rules.cells(values, columns) for values in piece]


def write_csv(pieces: Iterator[list[list[str]]], columns: Any) -> Iterator[str]:
    """Yield a file in UTF-8 with the mark by which spreadsheet programs know it."""
    yield BOM
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([column.heading for column in columns])
    for rows in pieces:
        writer.writerows(rows)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def write_json(pieces: Iterator[list[dict[str, str]]], columns: Any, *, cut: bool) -> Iterator[str]:
    """Yield one JSON object; its rows carry the codes of the columns."""
    head = {"as_of": clock.now().isoformat(), "complete": not cut, "columns": {c.code: c.heading for c in columns}}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": ['
    between = ""
    for piece in pieces:
        rows = [{column.code: values[column.field] for column in columns} for values in piece]
        yield between + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        between = ",\n"
    yield "]}\n"


def write_xlsx(pieces: Iterator[list[list[str]]], kind: str, columns: Any) -> Any:
    """Return a workbook in a file that is gone once it is closed; rows go to disk as they come."""
    # Takes a twentieth of a second to load, which no other page needs.
    import xlsxwriter

    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(rules.SHEETS[kind])
        sheet.freeze_panes(1, 0)
        rows = (row for piece in pieces for row in piece)
        write_row(sheet, 0, [column.heading for column in columns])
        for number, row in enumerate(rows, 1):
            write_row(sheet, number, row)
    file.seek(0)
    return file


def write_row(sheet: Any, number: int, row: list[str]) -> None:
    """Write a row of texts."""
    for place, text in enumerate(row):
        sheet.write_string(number, place, text)
