"""Reading bodies: the one in force for a text and language, and what the providers have approved."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import joinedload

from portal.cli import current_settings
from portal.db import db
from portal.errors import NotFound
from portal.i18n import DEFAULT, LOCALES, speaking
from portal.security import LINK_TOKEN_LENGTH
from portal.wordings.models import Approval, ProviderTemplate, Wording
from portal.wordings.rules import (
    TEXTS,
    Body,
    Text,
    fits,
    measure,
    read_body,
    samples,
    suggest_template,
    write,
)

# By text and language; or by provider, text and language.
Place = tuple[str, str]
TemplatePlace = tuple[str, str, str]


def get_text(name: str, locale: str) -> Text:
    """Return a text that is sent in a language; raises NotFound."""
    if name not in TEXTS or locale not in LOCALES:
        raise NotFound("")
    return TEXTS[name]


def get_shipped(name: str, locale: str) -> str:
    """Return the body that ships for a text, in the words of a language; rendered once per process."""
    kept: dict[Place, str] = current_app.extensions.setdefault("shipped_bodies", {})
    if (name, locale) not in kept:
        with speaking(locale):
            lines = current_app.jinja_env.get_template(f"sms/{name}.txt").render().splitlines()
        kept[name, locale] = "\n".join(line.strip() for line in lines if line.strip())
    return kept[name, locale]


def find_wording(name: str, locale: str, *, lock: bool = False) -> Wording | None:
    """Return a city's own body of a text, or None where the shipped one holds."""
    statement = (
        sa.select(Wording).where(Wording.name == name, Wording.locale == locale).options(joinedload(Wording.changed_by))
    )
    return db.session.scalar(statement.with_for_update(of=Wording) if lock else statement)


def find_template(provider: str, name: str, locale: str, *, lock: bool = False) -> ProviderTemplate | None:
    """Return what a provider has of a text, or None."""
    place = (ProviderTemplate.provider == provider, ProviderTemplate.name == name, ProviderTemplate.locale == locale)
    statement = sa.select(ProviderTemplate).where(*place).options(joinedload(ProviderTemplate.changed_by))
    return db.session.scalar(statement.with_for_update(of=ProviderTemplate) if lock else statement)


def list_templates(*, approved: bool = False) -> Mapping[TemplatePlace, ProviderTemplate]:
    """Return what the providers have by provider, text and language: all of it, or what they have approved."""
    statement = sa.select(ProviderTemplate).order_by(ProviderTemplate.id)
    if approved:
        statement = statement.where(ProviderTemplate.status == Approval.APPROVED)
    return {(row.provider, row.name, row.locale): row for row in db.session.scalars(statement)}


def variable_length(provider: str) -> int:
    """Return how many characters a provider takes in one variable."""
    settings = current_settings()
    return {"tencent": settings.tencent.variable_length, "aliyun": settings.aliyun.variable_length}[provider]


@dataclass(frozen=True)
class Sample:
    """A text as a phone would show it: what it counts, and by how much it goes beyond one segment."""

    text: str
    segments: int

    @property
    def length(self) -> int:
        return measure(self.text)[0]

    @property
    def over(self) -> int:
        length, single = measure(self.text)
        return max(0, length - single)


def sample_values(text: Text, locale: str, *, long: bool = False) -> dict[str, str]:
    """Return values that could fill a text: usual ones, or long ones; the link has a real one's length."""
    settings = current_settings()
    link = f"{settings.public_url.removeprefix('https://')}/r/{'K7M2Q9XD4TAB'[:LINK_TOKEN_LENGTH]}"
    return samples(text, locale, hotline=settings.hotline, link=link, long=long)


def write_sample(text: Text, source: str, locale: str, *, long: bool = False) -> Sample:
    """Return a body filled with samples; variables that the text does not have stay as they are written."""
    body, settings = read_body(source, locale), current_settings()
    marks = {name: f"{{{name}}}" for name in body.whole[1::2]}
    return Sample(*write(body, marks | sample_values(text, locale, long=long), settings.sms_signature))


def suggested_template(text: Text, locale: str) -> str:
    """Return what to have approved for the body that is in force."""
    settings = current_settings()
    source = Bodies().source(text.name, locale)
    return suggest_template(text, source, locale, signature=settings.sms_signature, hotline=settings.hotline)


def differs(template: ProviderTemplate) -> bool:
    """Whether an approved template shows something else than the body that is in force."""
    text, settings = TEXTS[template.name], current_settings()
    source = Bodies().source(template.name, template.locale)
    words = write_sample(text, source, template.locale).text.removeprefix(settings.sms_signature)
    return not fits(template.body, words)


class Bodies:
    """The bodies in force, read once; for one batch of texts, inside the caller's transaction."""

    def __init__(self) -> None:
        self._read: dict[Place, Body] = {}

    @cached_property
    def own(self) -> Mapping[Place, str]:
        """The city's own bodies by text and language."""
        rows = db.session.execute(sa.select(Wording.name, Wording.locale, Wording.body))
        return {(row.name, row.locale): row.body for row in rows}

    def source(self, name: str, locale: str) -> str:
        """Return a body as it is edited."""
        return self.own.get((name, locale)) or get_shipped(name, locale)

    def find(self, name: str, locale: str) -> Body:
        """Return a body ready to be filled; KeyError when there is no such text."""
        place = name, locale
        if place not in self._read:
            self._read[place] = read_body(self.source(TEXTS[name].name, locale), locale)
        return self._read[place]

    def write(self, name: str, locale: str, values: Mapping[str, str]) -> tuple[str, int]:
        """Return a text, signature in front, and its segments; KeyError when text or value is missing."""
        return write(self.find(name, locale), values, current_settings().sms_signature)


def known_locale(locale: str) -> str:
    """Return a language that texts are written in: the reader's, or the city's own."""
    return locale if locale in LOCALES else DEFAULT
