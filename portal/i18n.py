"""Languages: which one a reader gets, and how dates and money are written in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Request, Response, g, has_request_context, request
from flask_babel import Babel, force_locale, get_translations
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from portal import clock
from portal.errors import Message
from portal.settings import ROOT

DEFAULT = "zh_Hans"
LOCALES = {"zh_Hans": "简体中文", "en": "English"}  # Every language names itself in itself.
TAGS = {"zh_Hans": "zh-Hans", "en": "en"}
MODES = ("standard", "elder")
COOKIE_LASTS = 365 * 24 * 3600
TRANSLATIONS = ROOT / "translations"

babel = Babel()
_catalogues: dict[str, Any] = {}
# Past the stand-in, which takes longer to find what it stands for than a word to translate; a page has a hundred.
_find_kept = g._get_current_object


def asks_nothing(asked: Request) -> bool:
    """Whether neither address nor cookie says how a reader wants the pages."""
    return not asked.query_string and "HTTP_COOKIE" not in asked.environ


def choose_locale(asked: Request) -> str:
    """Return the language of a request: what its address asks, what was kept, else the city's own."""
    if asks_nothing(asked):
        return DEFAULT
    for value in (asked.args.get("lang"), asked.cookies.get("lang")):
        if value in LOCALES:
            return value
    return DEFAULT


def choose_mode(asked: Request) -> str:
    """Return `elder` for readers who asked for large letters."""
    if asks_nothing(asked):
        return "standard"
    for value in (asked.args.get("mode"), asked.cookies.get("mode")):
        if value in MODES:
            return value
    return "standard"


def current() -> str:
    """Return the code of the language in force here."""
    try:
        kept = _find_kept().__dict__
    except RuntimeError:
        return DEFAULT  # Outside of an application.
    found: str | None = kept.get("language")
    if found is None:
        found = kept["language"] = choose_locale(request) if has_request_context() else DEFAULT
    return found


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Speak another language inside, for text that somebody else will read."""
    outside = g.get("language")
    g.language = locale if locale in LOCALES else DEFAULT
    try:
        with force_locale(g.language):
            yield
    finally:
        g.language = outside


@pass_eval_context
def translate(context: EvalContext, text: str, **variables: Any) -> str:
    """Return a template's words in the language in force, as Jinja's own function does in three times the time."""
    said: str = catalogue().gettext(text)
    if context.autoescape:
        said = Markup(said)  # noqa: S704 - a catalogue is ours, and what is filled in is escaped.
    return said % variables if "%" in said else said


def catalogue() -> Any:
    """Return the catalogue of the language in force, found once: flask-babel looks anew for each word."""
    language = current()
    found = _catalogues.get(language)
    if found is None:
        found = _catalogues[language] = get_translations()
    return found


def switch_url(**changes: str) -> str:
    """Return this page's address in another language or mode."""
    if not request.query_string:
        return f"{request.path}?{urlencode(changes)}"
    args = MultiDict(request.args)
    for name, value in changes.items():
        args[name] = value
    return f"{request.path}?{_query(args)}"


def _query(args: "MultiDict[str, str]") -> str:
    return urlencode(list(args.items(multi=True)))


def say(message: Message) -> str:
    """Return a message as text in the language in force."""
    return str(message)


def pick(record: object, name: str) -> str:
    """Return a data field in the reader's language: `name_en` for English where it is filled, else `name`."""
    if current() == "en":
        english = getattr(record, f"{name}_en", "")
        if english:
            return str(english)
    return str(getattr(record, name))


def day(value: date | datetime | None) -> str:
    """Write a day in words: 2026年11月22日, 22 November 2026."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = clock.local(value).date()
    if current() == "en":
        return f"{value.day} {value:%B} {value.year}"
    return f"{value.year}年{value.month}月{value.day}日"


def month(value: date) -> str:
    """Write a month in words: 2026年11月, November 2026."""
    return f"{value:%B} {value.year}" if current() == "en" else f"{value.year}年{value.month}月"


def short_day(value: date | None) -> str:
    """Write a day for a table: 2026-11-22."""
    if isinstance(value, datetime):
        value = clock.local(value).date()
    return value.isoformat() if value else ""


def moment(value: datetime | None) -> str:
    """Write a moment in the city's zone: 2026-11-22 16:05."""
    return f"{clock.local(value):%Y-%m-%d %H:%M}" if value else ""


def yuan(value: Decimal | int | None) -> str:
    """Write an amount in yuan: 1,000 元, CNY 1,000."""
    if value is None:
        return ""
    amount = f"{value:,.2f}".removesuffix(".00")
    return f"CNY {amount}" if current() == "en" else f"{amount} 元"


def keep_choice(response: Response) -> Response:
    """Keep a language or mode that the address asked for."""
    if not request.query_string:
        return response
    for name, known in (("lang", tuple(LOCALES)), ("mode", MODES)):
        value = request.args.get(name)
        if value in known and request.cookies.get(name) != value:
            response.set_cookie(
                name, value, max_age=COOKIE_LASTS, httponly=True, samesite="Lax", secure=request.is_secure
            )
    return response


def init_app(app: Flask) -> None:
    """Teach an application its languages; refuse to start when the catalogues are not where they should be."""
    if not Path(TRANSLATIONS).is_dir():
        raise RuntimeError(f"no translations in {TRANSLATIONS}")
    app.config.update(BABEL_TRANSLATION_DIRECTORIES=str(TRANSLATIONS), BABEL_DEFAULT_LOCALE=DEFAULT)
    babel.init_app(
        app,
        default_locale=DEFAULT,
        default_timezone="Asia/Shanghai",
        locale_selector=lambda: choose_locale(request) if has_request_context() else DEFAULT,
    )
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: catalogue().gettext(text),
        ngettext=lambda one, many, count: catalogue().ngettext(one, many, count),
        pgettext=lambda context, text: catalogue().pgettext(context, text),
        npgettext=lambda context, one, many, count: catalogue().npgettext(context, one, many, count),
        newstyle=True,
    )
    app.jinja_env.globals.update(_=translate, gettext=translate)
    app.after_request(keep_choice)
    app.jinja_env.filters.update(day=day, month=month, short_day=short_day, moment=moment, yuan=yuan, pick=pick)
    app.jinja_env.globals.update(languages=LOCALES, switch_url=switch_url)
    app.context_processor(describe_reader)


def describe_reader() -> dict[str, str]:
    """Return what a template has to know of who reads it."""
    locale = current()
    mode = choose_mode(request) if has_request_context() else "standard"
    return {"locale": locale, "language_tag": TAGS[locale], "mode": mode}
