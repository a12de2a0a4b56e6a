"""A search index of very many entries, filled fast: a few thousand texts, each entered again and again.

The texts are Chinese and as long as a decision's. Their characters are drawn as unevenly as real ones, so that pairs of
them are common, rare, or in a single text.
"""

import random
from datetime import date, timedelta

import sqlalchemy as sa

from portal import clock
from portal.db import db
from portal.search import rules
from portal.search.models import EntryKind

TEXTS = 4000
LENGTH = 170
# Published on so many days until today, as many on each.
DAYS = 1500
FIRST_HAN, HAN = 0x4E00, 3500
# In nearly every text; in none; in every second text of the older half, and of the newer.
COMMON, ABSENT, OLD, NEW = "\u5904\u7f5a", "\u9b51\u9b45", "\u7cae\u7968", "\u7b97\u529b"

FILL = """
WITH RECURSIVE entry(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM entry WHERE n < {last}),
dated AS (SELECT n, n * {days} / {count} AS days FROM entry)
INSERT INTO search_entry
  (id, kind, record_id, url, title, title_key, passage, organ_id, published_on, published_until, search_text)
SELECT ({first_day} + days) * {day} + {kind} + n, 'decision', n, '/decisions/' || n, title, title, passage, NULL,
  {date}, NULL, words || {month}
FROM dated JOIN bench_text ON bench_text.id = n % {texts} + CASE WHEN days * 2 < {days} THEN 0 ELSE {texts} END
"""
SQLITE = {
    "date": "date('{first}', '+' || days || ' days')",
    "month": "strftime(' {mark}%Y%m', '{first}', '+' || days || ' days')",
}
POSTGRESQL = {
    "date": "DATE '{first}' + days::integer",
    "month": "to_char(DATE '{first}' + days::integer, '\" {mark}\"YYYYMM')",
}

GET_INDEX = "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_search_entry_words'"


def text_of(number: int, era: str, source: random.Random) -> str:
    """Return a text of the usual length."""
    drawn = [chr(FIRST_HAN + int(HAN * source.random() ** 3)) for _ in range(LENGTH - 8)]
    drawn[40:40] = "\uff0c"
    drawn[90:90] = "\u3002"
    return (COMMON if number % 50 else "") + "".join(drawn) + ("\uff1b" + era if number % 2 else "")


def fill(count: int) -> None:
    """Enter so many decisions into an empty index."""
    source = random.Random(170)
    db.session.execute(
        sa.text("CREATE TEMPORARY TABLE bench_text (id integer PRIMARY KEY, title text, passage text, words text)")
    )
    texts = []
    for place, era in enumerate((OLD, NEW)):
        for number in range(TEXTS):
            passage = text_of(number, era, source)
            title = passage[10:30]
            marks = [*rules.title_words(title), rules.kind_mark(EntryKind.DECISION)]
            words = " ".join([rules.search_text(f"{title}\n{passage}"), *marks])
            texts.append({"id": place * TEXTS + number, "title": title, "passage": passage, "words": words})
    db.session.execute(sa.text("INSERT INTO bench_text VALUES (:id, :title, :passage, :words)"), texts)
    first = clock.today() - timedelta(days=DAYS - 1)
    sqlite = db.engine.dialect.name == "sqlite"
    said = {
        name: part.format(first=first, mark=f"{rules.MARK}m")
        for name, part in (SQLITE if sqlite else POSTGRESQL).items()
    }
    kind = rules.entry_id(EntryKind.DECISION, 0, date.min) - rules.first_id(date.min)
    numbers = {"last": count - 1, "count": count, "days": DAYS, "texts": TEXTS, "kind": kind}
    numbers |= {"first_day": first.toordinal(), "day": 1 << rules.DAY_BITS}
    # Past the text() of SQLAlchemy, to which a colon in a date's form would be a value to fill in.
    connection = db.session.connection()
    index = "" if sqlite else connection.exec_driver_sql(GET_INDEX).scalar_one()
    if index:
        connection.exec_driver_sql("DROP INDEX ix_search_entry_words")
    connection.exec_driver_sql(FILL.format(**said, **numbers).replace("%", "%" if sqlite else "%%"))
    connection.exec_driver_sql("DROP TABLE bench_text")
    if index:
        # Built at once, in a fraction of the time that row after row takes.
        connection.exec_driver_sql("SET maintenance_work_mem = '1GB'")
        connection.exec_driver_sql(index)
    connection.exec_driver_sql("ANALYZE search_entry")
    db.session.commit()
