"""Every message is in the catalogues, translated, sure of itself and in use."""

import gettext

import pytest
from babel.messages.catalog import Catalog
from babel.support import Translations

from portal.i18n import LOCALES, TRANSLATIONS
from tests import catalogues
from tests.catalogues import messages


def test_messages_are_extracted_anew() -> None:
    written = catalogues.TEMPLATE.read_text(encoding="utf-8")
    assert written == catalogues.write(catalogues.extract()), "Run: make translations"


@pytest.mark.parametrize("locale", catalogues.translated_locales())
def test_every_message_is_translated(locale: str) -> None:
    found, known = catalogues.read(locale), catalogues.extract()
    missing = [
        f"{message.id!r}: missing" for message in messages(known) if found.get(message.id, message.context) is None
    ]
    faults = [
        f"{message.id!r}: {fault}" for message in messages(found) if (fault := catalogues.find_faults(message, known))
    ]
    assert missing + faults == []


@pytest.mark.parametrize("locale", catalogues.translated_locales())
def test_no_message_is_kept_that_nobody_uses(locale: str) -> None:
    assert list(catalogues.read(locale).obsolete) == []


@pytest.mark.parametrize("locale", catalogues.translated_locales())
def test_compiled_catalogue_is_loaded(locale: str) -> None:
    loaded = Translations.load(TRANSLATIONS, [locale])
    assert isinstance(loaded, gettext.GNUTranslations), "Run: make setup"
    assert loaded.gettext("Home page") != "Home page"


def test_faults_are_found() -> None:
    known = Catalog(locale="zh_Hans")
    known.add("%(count)s left")
    known.add("Stop")
    found = Catalog(locale="zh_Hans")
    found.add("%(count)s left", "剩 %(number)s")
    found.add("Stop", "")
    found.add("Gone", "没了")
    found.add("Stop", "停", context="elsewhere")
    faults = {(message.id, message.context): catalogues.find_faults(message, known) for message in messages(found)}
    assert faults == {
        ("%(count)s left", None): "other placeholders than the message",
        ("Stop", None): "not translated",
        ("Gone", None): "not used any more",
        ("Stop", "elsewhere"): "not used any more",
    }


def test_every_language_names_itself() -> None:
    assert set(LOCALES) == {"zh_Hans", "en"}
