"""The catalogues: messages read out of code and templates, and what is wrong with a translation.

`make translations` runs this module: it rewrites translations/messages.pot and brings every catalogue up to date.
English needs none: the messages in the code are English already.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from portal.i18n import LOCALES
from portal.settings import ROOT

SOURCE_LANGUAGE = "en"
TRANSLATIONS = ROOT / "translations"
METHODS = [
    ("portal/**.py", "python"),
    ("notifiers/**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("templates/sms/**.txt", "jinja2"),
]
TEMPLATE = TRANSLATIONS / "messages.pot"
# A template that cannot be read would lose its messages without a word.
OPTIONS = {"templates/**": {"extensions": "portal.rendering.KeptPieces", "silent": "false"}}
KEYWORDS = DEFAULT_KEYWORDS | {
    "_l": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def translated_locales() -> list[str]:
    """Return the languages that need a catalogue."""
    return [locale for locale in LOCALES if locale != SOURCE_LANGUAGE]


def path_of(locale: str) -> Path:
    """Return where a language's catalogue is kept."""
    return TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po"


def extract() -> Catalog:
    """Return every message of code and templates."""
    catalogue = Catalog()
    found = extract_from_dir(
        ROOT,
        method_map=METHODS,
        options_map=OPTIONS,
        keywords=KEYWORDS,
        directory_filter=lambda folder: not Path(folder).name.startswith((".", "__")),
    )
    for _file, _line, message, comments, context in found:
        catalogue.add(message, auto_comments=comments, context=context)
    return catalogue


def write(catalogue: Catalog) -> str:
    """Return a catalogue as text that only changes when a message does: no dates, no line numbers."""
    target = io.BytesIO()
    write_po(target, catalogue, omit_header=True, no_location=True, sort_output=True, width=120)
    return header(catalogue) + target.getvalue().decode()


def header(catalogue: Catalog) -> str:
    """Return what a language's catalogue has to say of itself; the template says nothing."""
    if catalogue.locale is None:
        return ""
    facts = {
        "Language": catalogue.locale_identifier,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": catalogue.plural_forms,
    }
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in facts.items())
    return f'msgid ""\nmsgstr ""\n{lines}\n'


def read(locale: str) -> Catalog:
    """Return a language's catalogue; an empty one when there is none yet."""
    path = path_of(locale)
    if not path.exists():
        return Catalog(locale=locale)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def messages(catalogue: Catalog) -> Iterator[Message]:
    """Yield the messages of a catalogue, its header left out."""
    return (message for message in catalogue if message.id)


def find_faults(message: Message, known: Catalog) -> str:
    """Return what is wrong with the translation of a message, or an empty text."""
    texts = message.string if isinstance(message.string, tuple | list) else (message.string or "",)
    words = message.id if isinstance(message.id, tuple | list) else (message.id,)
    if known.get(message.id, message.context) is None:
        return "not used any more"
    if message.fuzzy:
        return "fuzzy"
    if not all(texts):
        return "not translated"
    wanted = set(PLACEHOLDER.findall(words[-1]))
    if any(set(PLACEHOLDER.findall(text or "")) != wanted for text in texts):
        return "other placeholders than the message"
    return ""


def update() -> None:
    """Write the messages and every catalogue anew, keeping translations and dropping what is not used."""
    found = extract()
    TEMPLATE.write_text(write(found), encoding="utf-8")
    for locale in translated_locales():
        catalogue = read(locale)
        catalogue.update(found, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        path_of(locale).parent.mkdir(parents=True, exist_ok=True)
        path_of(locale).write_text(write(catalogue), encoding="utf-8")


if __name__ == "__main__":
    update()
