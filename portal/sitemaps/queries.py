"""What there is to find, by address."""

from collections.abc import Iterator
from datetime import date, datetime

import sqlalchemy as sa

from portal import clock
from portal.bases.models import Basis
from portal.complaint_publication.models import PublishedAnswer
from portal.complaint_publication.queries import IS_PUBLIC
from portal.db import db
from portal.decisions.models import Decision
from portal.decisions.queries import is_public
from portal.decisions.rules import path
from portal.discretion.models import DiscretionStandard
from portal.organs.models import Organ, Recognition
from portal.powers.models import PowerItem
from portal.powers.queries import exists_on
from portal.procedures.models import Procedure
from portal.sitemaps import rules

CHUNK = 1000


def list_parts(on: date) -> list[int]:
    """Return the numbers of the parts in which there is a decision that is public on a day.

    A part holds the decisions of a stretch of ids, so that it keeps its address whatever is withdrawn before it.
    """
    part = Decision.id // sa.literal(rules.MOST)
    return list(db.session.scalars(sa.select(part).where(is_public(on)).group_by(part).order_by(part)))


def walk_decisions(part: int, on: date) -> Iterator[tuple[str, date | None]]:
    """Yield address and last change of a part's public decisions, in pieces that hold no transaction open."""
    after, last = part * rules.MOST - 1, (part + 1) * rules.MOST
    columns = (Decision.id, Decision.published_at, Decision.corrected_at)
    while rows := db.session.execute(
        sa.select(*columns)
        .where(is_public(on), Decision.id > after, Decision.id < last)
        .order_by(Decision.id)
        .limit(CHUNK)
    ).all():
        db.session.rollback()
        yield from ((path(row.id), _day(row.corrected_at or row.published_at)) for row in rows)
        after = rows[-1].id


def list_registers(on: date) -> list[str]:
    """Return the addresses of organs and their recognitions, laws, procedures, powers, standards and answers.

    There are some thousands at most.
    """
    organs = sa.select(Organ.slug).where(Organ.confirmed).order_by(Organ.id)
    bases = sa.select(Basis.slug).order_by(Basis.id)
    procedures = sa.select(Procedure.slug).order_by(Procedure.id)
    powers = sa.select(PowerItem.code).where(*exists_on(on)).order_by(PowerItem.id)
    recognitions = sa.select(Recognition.year).order_by(Recognition.year)
    discretion = sa.select(DiscretionStandard.id).order_by(DiscretionStandard.id)
    answers = sa.select(PublishedAnswer.id).where(IS_PUBLIC).order_by(PublishedAnswer.id)
    sources = {
        "organs": organs,
        "organs/recognitions": recognitions,
        "bases": bases,
        "procedures": procedures,
        "powers": powers,
        "discretion": discretion,
        "answers": answers,
    }
    return [
        f"/{name}/{key}"
        for name, statement in sources.items()
        for key in db.session.scalars(statement.limit(rules.MOST))
    ][: rules.MOST]


def _day(moment: datetime | None) -> date | None:
    return clock.local(moment).date() if moment else None
