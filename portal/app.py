"""Composes the portal: settings in, a Flask application out. Nobody imports this but wsgi and the tests."""

import logging
import uuid
from collections.abc import Callable

from flask import Blueprint, Flask, abort, g, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from jinja2 import FileSystemBytecodeCache, StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import assets, clock, data_version, db, health, i18n, page_cache, rendering, rotation, security, tables
from portal.accountability import staff as accountability_staff
from portal.accounts import guard
from portal.accounts import queries as accounts_queries
from portal.accounts import rules as accounts_rules
from portal.accounts import staff as accounts_staff
from portal.accounts.models import Role
from portal.api import public as api
from portal.bases import public as bases
from portal.bases import staff as bases_staff
from portal.basis_versions import public as basis_versions
from portal.calendar import service as calendar
from portal.calls import staff as calls_staff
from portal.case_routing import staff as case_routing_staff
from portal.case_types import service as case_types
from portal.case_types import staff as case_types_staff
from portal.casework import staff as casework_staff
from portal.cli import register_commands
from portal.complaint_deadlines import staff as complaint_deadlines_staff
from portal.complaint_escalation import staff as complaint_escalation_staff
from portal.complaint_figures import public as complaint_figures
from portal.complaint_figures import staff as complaint_figures_staff
from portal.complaint_filing import public as complaint_filing
from portal.complaint_intakes import staff as complaint_intakes_staff
from portal.complaint_named import service as complaint_named
from portal.complaint_named import staff as complaint_named_staff
from portal.complaint_publication import public as complaint_publication
from portal.complaint_publication import staff as complaint_publication_staff
from portal.complaint_tracking import public as complaint_tracking
from portal.complaint_words import service as complaint_words
from portal.complaint_worklists import staff as complaint_worklists_staff
from portal.complaints import public as complaints
from portal.complaints import queries as complaints_queries
from portal.contacts.rules import mask_phone
from portal.decision_corrections import staff as decision_corrections_staff
from portal.decision_deadlines import staff as decision_deadlines_staff
from portal.decision_endings import service as decision_endings
from portal.decision_endings import staff as decision_endings_staff
from portal.decision_imports import staff as decision_imports_staff
from portal.decision_masking import staff as decision_masking_staff
from portal.decision_reviews import staff as decision_reviews_staff
from portal.decisions import public as decisions
from portal.decisions import queries as decisions_queries
from portal.decisions import staff as decisions_staff
from portal.discretion import public as discretion
from portal.discretion import queries as discretion_queries
from portal.discretion import staff as discretion_staff
from portal.errors import Refusal
from portal.figures import public as figures
from portal.home import public as home
from portal.home import staff as home_staff
from portal.hotline_imports import staff as hotline_imports_staff
from portal.messages import public as sandbox
from portal.messages import staff as messages_staff
from portal.officers import staff as officers_staff
from portal.open_data import public as open_data
from portal.organs import public as organs
from portal.organs import queries as organs_queries
from portal.organs import staff as organs_staff
from portal.paging import RecordNumber
from portal.permit_imports import staff as permit_imports_staff
from portal.permits import queries as permits_queries
from portal.permits import service as permits
from portal.permits import staff as permits_staff
from portal.powers import forms as powers_forms
from portal.powers import public as powers
from portal.powers import queries as powers_queries
from portal.powers import staff as powers_staff
from portal.procedures import public as procedures
from portal.procedures import service as procedures_service
from portal.procedures import staff as procedures_staff
from portal.publication import public as publication
from portal.publication import service as publication_service
from portal.rectifications import staff as rectifications_staff
from portal.reply_drafts import service as reply_drafts
from portal.reply_drafts import staff as reply_drafts_staff
from portal.revisits import public as revisits
from portal.revisits import staff as revisits_staff
from portal.risk_batches import staff as risk_batches_staff
from portal.risk_periods import importer as risk_periods
from portal.risk_periods import staff as risk_periods_staff
from portal.search import public as search
from portal.search import service as search_service
from portal.second_factors import staff as second_factors_staff
from portal.settings import ROOT, Settings
from portal.sitemaps import public as sitemaps
from portal.supervisions import staff as supervisions_staff
from portal.transparency import public as transparency
from portal.typed import find_typed
from portal.web import Portal
from portal.wordings import staff as wordings_staff

log = logging.getLogger(__name__)

PUBLIC_BLUEPRINTS: tuple[Blueprint, ...] = (
    home.blueprint,
    bases.blueprint,
    basis_versions.blueprint,
    discretion.blueprint,
    procedures.blueprint,
    decisions.blueprint,
    figures.blueprint,
    complaint_figures.blueprint,
    open_data.blueprint,
    api.blueprint,
    sitemaps.blueprint,
    organs.blueprint,
    powers.blueprint,
    search.blueprint,
    transparency.blueprint,
    publication.blueprint,
    complaints.blueprint,
    complaint_publication.blueprint,
    revisits.blueprint,
    sandbox.blueprint,
    health.blueprint,
)
# Rooms that hang their pages on the blueprint of another.
ROOMS = (complaint_filing, complaint_tracking, casework_staff, complaint_figures_staff)
STAFF_BLUEPRINTS: tuple[Blueprint, ...] = (
    home_staff.blueprint,
    accounts_staff.blueprint,
    second_factors_staff.blueprint,
    decisions_staff.blueprint,
    decision_masking_staff.blueprint,
    decision_imports_staff.blueprint,
    decision_reviews_staff.blueprint,
    decision_deadlines_staff.blueprint,
    decision_corrections_staff.blueprint,
    decision_endings_staff.blueprint,
    complaint_worklists_staff.blueprint,
    complaint_intakes_staff.blueprint,
    reply_drafts_staff.blueprint,
    complaint_named_staff.blueprint,
    rectifications_staff.blueprint,
    supervisions_staff.blueprint,
    accountability_staff.blueprint,
    complaint_publication_staff.blueprint,
    complaint_deadlines_staff.blueprint,
    case_routing_staff.blueprint,
    complaint_escalation_staff.blueprint,
    case_types_staff.blueprint,
    permits_staff.blueprint,
    permit_imports_staff.blueprint,
    calls_staff.blueprint,
    messages_staff.blueprint,
    wordings_staff.blueprint,
    revisits_staff.blueprint,
    hotline_imports_staff.blueprint,
    risk_periods_staff.blueprint,
    risk_batches_staff.blueprint,
    organs_staff.blueprint,
    officers_staff.blueprint,
    powers_staff.blueprint,
    bases_staff.blueprint,
    discretion_staff.blueprint,
    procedures_staff.blueprint,
)
# What ships as data and is loaded whenever the schema is brought up to date.
FACTS: tuple[Callable[[], object], ...] = (
    search_service.renew,
    calendar.load_facts,
    case_types.load_facts,
    reply_drafts.load_facts,
    permits.load_facts,
    risk_periods.load_facts,
    procedures_service.load_facts,
    publication_service.load_facts,
    rotation.seal_files,
    complaint_words.enter_missing,
)
# Where each command is; see `CommandTable`.
COMMANDS = {
    "backup": "portal.backup:backup",
    "complaints": "portal.complaint_retention.cli:group",
    "demo": "portal.demo.cli:group",
    "doctor": "portal.doctor:doctor",
    "publication": "portal.publication.cli:group",
    "restore": "portal.backup:restore",
    "serve": "portal.serve:serve",
    "staff": "portal.second_factors.cli:group",
    "vault": "portal.rotation:group",
}
IMPORTS = {
    "bases": "portal.bases.cli:import_bases",
    "decisions": "portal.decision_imports.cli:import_decisions",
    "discretion": "portal.discretion.cli:import_discretion",
    "holidays": "portal.complaint_deadlines.cli:import_holidays",
    "officers": "portal.officers.cli:import_officers",
    "organs": "portal.organs.cli:import_organs",
    "permits": "portal.permit_imports.cli:import_permits",
    "powers": "portal.powers.cli:import_powers",
}
MAX_FORM = 64 * 1024 * 1024


def create_app(settings: Settings) -> Flask:
    """Build the portal for these settings."""
    app = Portal(__name__, template_folder=str(ROOT / "templates"), static_folder=None)
    app.config.update(
        SETTINGS=settings,
        TESTING=settings.testing,
        MAX_CONTENT_LENGTH=MAX_FORM,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
    )
    app.url_map.converters["int"] = RecordNumber
    rendering.init_app(app)
    keep_templates(app, settings)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["mask_phone"] = mask_phone
    app.before_request(refuse_nul)
    app.before_request(open_reading)
    app.teardown_request(close_reading)
    assert tables.ALL
    complaint_named.watch()
    complaint_words.watch()
    accounts_queries.keep_secret("complaint", complaints_queries.subject_visible_to)
    db.init_app(app, settings)
    security.init_app(app, settings)
    i18n.init_app(app)
    guard.init_app(app)
    data_version.init_app(app)
    page_cache.init_app(app, settings)
    assets.init_app(app)
    register_pages(app)
    register_errors(app)
    app.extensions["facts"] = FACTS
    register_commands(app, commands=COMMANDS, imports=IMPORTS)
    app.jinja_env.globals["staff_menu"] = staff_menu
    # The search is below what it finds, and asks for organs to choose from.
    app.jinja_env.globals["organ_names"] = organs_queries.list_names
    # A law's page shows the decisions that rest on it, which live in a layer above.
    app.jinja_env.globals["decisions_on_article"] = decisions_queries.list_on_article
    # An organ's page shows both and what it may do; an article's page shows what powers rest on it.
    app.jinja_env.globals["decisions_of_organ"] = decisions_queries.list_of_organ
    app.jinja_env.globals["powers_of_organ"] = powers_queries.list_of_organ
    app.jinja_env.globals["discretion_on_article"] = discretion_queries.list_on_article
    app.jinja_env.globals["powers_on_article"] = powers_queries.list_on_article
    app.jinja_env.globals["power_labels"] = powers_forms.CATEGORY_LABELS
    # A decision's page says when its publication can end early.
    app.jinja_env.globals["repair_outlook"] = decision_endings.find_outlook
    # So does the call list: what it is about lies above it.
    app.jinja_env.globals["permits_by_subject"] = permits_queries.list_by_subject
    app.jinja_env.globals.update(settings=settings, today=clock.today, now=clock.now)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def keep_templates(app: Flask, settings: Settings) -> None:
    """Keep compiled templates from one start to the next: compiling those of a page takes a tenth of a second."""
    folder = settings.cache_dir or settings.data_dir / "cache"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return  # Only slower; whoever needs to write there says what is wrong.
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(folder))


def register_pages(app: Flask) -> None:
    """Hang every blueprint where it belongs."""
    for blueprint in PUBLIC_BLUEPRINTS:
        app.register_blueprint(blueprint)
    parent = guard.make_parent()
    for blueprint in STAFF_BLUEPRINTS:
        parent.register_blueprint(blueprint)
    app.register_blueprint(parent)


def staff_menu() -> list[tuple[str, str, str]]:
    """Return the staff side's main menu: address, words, section."""
    menu = [(url_for("staff.home.index"), _("Overview"), "home")]
    menu.append((url_for("staff.permits.index"), _("Permits"), "permits"))
    menu.append((url_for("staff.decisions.index"), _("Publication"), "decisions"))
    if guard.current_staff().role is not Role.REVIEWER:
        menu.append((url_for("staff.calls.index"), _("Calls"), "calls"))
        menu.append((url_for("staff.complaints.index"), _("Complaints"), "complaints"))
    menu.append((url_for("staff.risk_periods.index"), _("Risk periods"), "risk_periods"))
    if accounts_rules.sees_all(guard.current_staff().role):
        menu += [
            (url_for("staff.messages.index"), _("Messages"), "messages"),
            (url_for("staff.revisits.index"), _("Revisits"), "revisits"),
            (url_for("staff.organs.index"), _("Organs and officers"), "organs"),
            (url_for("staff.powers.index"), _("Power list"), "powers"),
            (url_for("staff.bases.index"), _("Enforcement bases"), "bases"),
            (url_for("staff.discretion.index"), _("Discretion standards"), "discretion"),
            (url_for("staff.procedures.index"), _("Procedures"), "procedures"),
        ]
    if guard.current_staff().role is Role.ADMIN:
        menu.append((url_for("staff.accounts.index"), _("Accounts"), "accounts"))
    return menu


def refuse_nul() -> None:
    """No record is named with the one character that PostgreSQL cannot even compare."""
    if "\x00" in request.path:
        abort(404)


def open_reading() -> None:
    """Give safe requests read-only transactions: a GET never writes, and never waits for a writer."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        g.reading = db.read_only.set(True)


def close_reading(_problem: BaseException | None) -> None:
    """Undo `open_reading`, after the session is given back."""
    token = g.pop("reading", None)
    if token is not None:
        db.read_only.reset(token)


def register_errors(app: Flask) -> None:
    """Answer every failure with a page in the reader's language and the right status."""
    app.register_error_handler(Refusal, show_refusal)
    app.register_error_handler(CSRFError, show_stale_form)
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(Exception, show_failure)


def error_page(status: int, *, message: str = "", incident: str = "") -> ResponseReturnValue:
    """Return the error page of a status."""
    staff_side = request.path.startswith("/staff")
    page = render_template(
        "errors/error.html",
        status=status,
        message=message,
        incident=incident,
        staff_side=staff_side,
        typed=find_typed(status),
    )
    return page, status


def show_refusal(refusal: Refusal) -> ResponseReturnValue:
    """Show why a request was refused."""
    db.db.session.rollback()
    answer = make_response(error_page(refusal.status, message=str(refusal.message)))
    free_at = refusal.details.get("retry_at")
    if free_at is not None:
        answer.headers["Retry-After"] = str(max(1, round((free_at - clock.now()).total_seconds())))
    return answer


def show_stale_form(_problem: CSRFError) -> ResponseReturnValue:
    """Tell that a form was open for too long."""
    return error_page(400, message=_("This page was open for too long, so what it sent was not taken."))


def show_http_error(problem: HTTPException) -> ResponseReturnValue:
    """Show what HTTP calls an error; redirects pass through."""
    if problem.code is None or problem.code < 400:
        return problem
    if problem.response is not None:
        return problem.response
    return error_page(problem.code)


def show_failure(problem: Exception) -> ResponseReturnValue:
    """Log a failure under a number that the reader can quote; the page holds nothing else of it."""
    incident = uuid.uuid4().hex[:10]
    log.error("incident %s at %s", incident, request.endpoint, exc_info=problem)
    guard.forget_reader()
    db.db.session.rollback()
    return error_page(500, incident=incident)
