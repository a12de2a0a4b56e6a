"""The public log as everybody may read and take it home."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask_babel import lazy_pgettext

from portal.db import db
from portal.paging import page_number, whole_number
from portal.transparency import queries, rules
from portal.transparency.models import LogAction

blueprint = Blueprint("transparency", __name__, url_prefix="/transparency")

ACTION_LABELS = {
    LogAction.PUBLISH: lazy_pgettext("log", "published"),
    LogAction.CORRECT: lazy_pgettext("log", "corrected"),
    LogAction.WITHDRAW: lazy_pgettext("log", "withdrawn"),
    LogAction.EXPIRE: lazy_pgettext("log", "period ended"),
}
CHECKPOINTS = 10


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """Explain the log; show its newest entries and checkpoints, and the keys."""
    return render_template(
        "public/transparency/index.html",
        page=queries.list_newest(page_number(request.args.get("page"))),
        address=lambda number: url_for("transparency.index", page=number),
        checkpoints=queries.list_checkpoints(CHECKPOINTS),
        keys=list(reversed(queries.list_keys())),
        action_labels=ACTION_LABELS,
        checkpoint_line=rules.CHECKPOINT,
        succession_line=rules.SUCCESSION,
    )


@blueprint.get("/log.jsonl")
def log() -> Response:
    """Send keys, entries and checkpoints as JSON, one to a line; `?after=` leaves out the entries up to a number."""
    after = whole_number(request.args.get("after")) or 0
    answer = Response(stream_with_context(write_lines(after)), mimetype="application/jsonl")
    answer.headers["Content-Disposition"] = "attachment; filename=transparency-log.jsonl"
    # Too long to be kept, and never the same for long.
    answer.headers["Cache-Control"] = "no-store"
    return answer


def write_lines(after: int) -> Iterator[str]:
    """Yield the lines of the log: keys, then entries, then the checkpoints over them."""
    for key in queries.list_keys():
        yield write_line("key", asdict(key))
    # The checkpoints first, so that none is over an entry that came after the last line.
    checkpoints = [write_line("checkpoint", row._asdict()) for row in queries.list_all_checkpoints()]
    for piece in queries.walk_pieces(after):
        # A slow reader must not keep a connection.
        db.session.rollback()
        yield "".join(write_line("entry", row._asdict()) for row in piece)
    yield from checkpoints


def write_line(kind: str, values: dict[str, Any]) -> str:
    """Return one line of the log; moments as they are hashed."""
    if "at" in values:
        values["at"] = rules.moment(values["at"])
    return json.dumps({"type": kind, **values}, ensure_ascii=False, separators=(",", ":")) + "\n"
