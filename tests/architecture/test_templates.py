"""What templates and style sheets may hold, so that the strict content policy never has to be loosened."""

import gzip
import re
from pathlib import Path

import pytest

from portal.assets import SHEETS, STATIC
from tests.architecture.source import name, templates

CSS_BUDGET = 10 * 1024
JS_BUDGET = 3 * 1024
FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>]*\sstyle=", re.I),
    "an inline handler": re.compile(r"<[^>{}]*\son[a-z]+\s*=", re.I),
    "an inline style sheet": re.compile(r"<style", re.I),
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.I),
    "another host": re.compile(r"""(?:src|href|action|srcset)\s*=\s*["'](?:https?:)?//""", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
    "unescaped output": re.compile(r"\|\s*safe\b"),
}
COLOUR = re.compile(r"--([a-z-]+):\s*(#[0-9a-fA-F]{6})\b")
# Text or edge on ground, and the least ratio: 4.5 for text, 3 for the edges of controls (WCAG 2.2, 1.4.3 and 1.4.11).
PAIRS = [
    ("ink", "paper", 7.0), ("ink", "tint", 7.0), ("muted", "paper", 4.5), ("muted", "tint", 4.5),
    ("link", "paper", 4.5), ("link", "tint", 4.5), ("link-hover", "paper", 4.5), ("link-visited", "paper", 4.5),
    ("error", "paper", 4.5), ("error", "error-bg", 4.5), ("good", "good-bg", 4.5), ("warn", "warn-bg", 4.5),
    ("ink", "info-bg", 4.5), ("ink", "good-bg", 4.5), ("edge", "paper", 3.0), ("edge", "tint", 3.0),
    ("on-brand", "brand", 4.5), ("on-brand", "brand-deep", 4.5), ("on-brand", "action", 4.5),
    ("action", "paper", 3.0), ("ochre", "paper", 3.0), ("focus", "halo", 3.0),
]  # fmt: skip


@pytest.mark.parametrize("path", list(templates()), ids=name)
def test_template_keeps_to_the_content_policy(path: Path) -> None:
    source = path.read_text()
    assert {what: hit.group() for what, pattern in FORBIDDEN.items() if (hit := pattern.search(source))} == {}


@pytest.mark.parametrize("path", list(templates()), ids=name)
def test_form_that_writes_carries_its_token(path: Path) -> None:
    forms = re.findall(r"<form\b[^>]*method=[\"']post[\"'].*?</form>", path.read_text(), re.S | re.I)
    # The demo's phones post to a webhook, which asks for a signature instead.
    tokens = ("csrf()", "switch_token", 'name="signature"')
    assert [form[:80] for form in forms if not any(token in form for token in tokens)] == []


def test_style_sheets_fit_their_budget() -> None:
    whole = b"".join((STATIC / "css" / f"{sheet}.css").read_bytes() for sheet in SHEETS)
    assert len(gzip.compress(whole, 9)) <= CSS_BUDGET


def test_scripts_fit_their_budget() -> None:
    whole = b"".join(path.read_bytes() for path in sorted(STATIC.rglob("*.js")))
    assert len(gzip.compress(whole, 9)) <= JS_BUDGET


def test_style_sheets_load_nothing_from_elsewhere() -> None:
    sheets = {sheet: (STATIC / "css" / f"{sheet}.css").read_text() for sheet in SHEETS}
    assert [sheet for sheet, source in sheets.items() if re.search(r"@import|@font-face|url\(", source)] == []


def schemes() -> dict[str, dict[str, str]]:
    """Return the colours of both schemes; the dark one changes what it names and inherits the rest."""
    light, dark = (STATIC / "css" / "tokens.css").read_text().split("prefers-color-scheme: dark", 1)
    return {"light": dict(COLOUR.findall(light)), "dark": dict(COLOUR.findall(light)) | dict(COLOUR.findall(dark))}


def luminance(colour: str) -> float:
    """Return a colour's relative luminance (WCAG 2.2)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_colours_can_be_told_apart(scheme: str, front: str, ground: str, least: float) -> None:
    colours = schemes()[scheme]
    assert contrast(colours[front], colours[ground]) >= least


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
