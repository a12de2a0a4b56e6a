"""Filing a complaint: five pages at one address, and the receipt."""

import secrets
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import ValidationError, validate_csrf

from portal import clock, limits, uploads
from portal.case_types.queries import get_case_type, load_case_types
from portal.complaint_filing import queries as found
from portal.complaint_filing.forms import FIELDS, SUBJECTS, Choices, fill_page, read_filing, review_pages
from portal.complaints import guard, queries, rules, service
from portal.complaints.forms import KINDS
from portal.complaints.public import blueprint
from portal.db import db, reading
from portal.drafts import Draft
from portal.errors import Conflict, TooMany
from portal.fields import one_line
from portal.i18n import moment, pick
from portal.organs.models import Officer
from portal.paging import whole_number
from portal.security import csrf
from portal.settings import Settings

PURPOSE = "complaint"
FIRST, WHO, HAPPENED, CONTACT, LAST = 1, 2, 3, 4, 5


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    """Show the first page of the form, with what the address says about whom it is."""
    draft = Draft(key=secrets.token_hex(16))
    organ = request.args.get("organ", "")
    if organ.isdigit():
        draft.answers["organ"] = organ[:9]
    decision = whole_number(request.args.get("decision"))
    if decision:
        draft.answers["facts"] = _("About the published decision %(address)s:", address=f"/decisions/{decision}") + "\n"
    card = one_line(request.args.get("officer"))[: rules.MAX_OFFICER]
    if card:
        limits.count("officer")
        for officer in found.find_officers(card):
            choose_officer(draft, officer)
    return show_page(draft, FIRST)


@blueprint.post("/new")
@csrf.exempt  # Checked in `send`, where a stale page keeps what was typed instead of losing it.
def turn_page() -> ResponseReturnValue:
    """Take what was typed on one page and show the one asked for."""
    draft = Draft.read(request.form.get("draft", ""), purpose=PURPOSE, new_key=secrets.token_hex(16))
    page = read_page(request.form.get("page", ""))
    sent_id = find_sent(draft, may_repeat=page == LAST and request.form.get("go", "next") == "next")
    if sent_id is not None:
        return show_sent(sent_id)
    draft.take(FIELDS[page - 1], request.form)
    refused = draft.take_files(request.files.getlist("files")) if page == HAPPENED else []
    removed = draft.drop_file(request.form.get("remove", ""))
    go = "stay" if removed else request.form.get("go", "next")
    if draft.broken and page > FIRST:
        return show_lost(draft, page)
    if page == WHO and (go == "look" or "pick" in request.form):
        return look(draft, request.form.get("pick", ""))
    if go == "back":
        return show_page(draft, max(FIRST, page - 1), refused=refused)
    if page == LAST and go.isdigit():
        return show_page(draft, read_page(go))
    if go == "stay":
        return show_page(draft, page, refused=refused)
    form = fill(draft, page)[0]
    if not form.validate() or refused:
        return show_page(draft, page, form, refused=refused)
    if page == LAST:
        return send(draft, form)
    return show_page(draft, LAST if draft.checked else page + 1)


def find_sent(draft: Draft, *, may_repeat: bool) -> int | None:
    """Return the complaint that a draft has become, of which nothing is shown to whoever goes back in this browser.

    None where the last page may be sent once more, because its answer was lost: while the code may still be shown.
    """
    with reading():
        found = queries.find_submitted(draft.key)
        lost = found is not None and may_repeat and bool(service.show_code(queries.get_for_sender(found)))
        db.session.rollback()
    return None if lost else found


def show_sent(complaint_id: int) -> ResponseReturnValue:
    """Lead to what became of a draft as far as this browser may see it, else to where number and code are asked."""
    for place in (guard.RECEIPT, guard.CASE):
        if guard.find_place(place) == complaint_id:
            return redirect(url_for(f"complaints.{place}"))
    flash(_("This was sent before. Its number and query code show how it stands."), "warn")
    return redirect(url_for("complaints.track"))


def read_page(raw: str) -> int:
    """Return a page's number; nonsense is the first page."""
    return int(raw) if raw in ("1", "2", "3", "4", "5") else FIRST


def look(draft: Draft, picked: str) -> ResponseReturnValue:
    """Show what the words that were typed find, or take what was picked of that; nothing else of an officer is told."""
    form = fill(draft, WHO)[0]
    kind, _colon, number = picked.partition(":")
    officers = draft.answers.pop("found", "").split()
    with reading():
        if kind == "organ" and number in dict(form.organ.choices):
            draft.answers["organ"] = number
        elif kind == "officer" and number in officers:
            choose_officer(draft, found.find_officer(int(number)))
        elif kind == "nobody":
            draft.answers["named"] = draft.answers["card"] = ""
        db.session.rollback()
    if not picked:
        return show_found(draft, form)
    draft.answers["look"] = ""
    return show_page(draft, WHO)


def choose_officer(draft: Draft, officer: Officer | None) -> None:
    """Take an officer, and the organ they belong to, into the answers."""
    if officer is not None:
        draft.answers |= {"named": officer.name, "card": officer.card_number, "organ": str(officer.organ_id)}


def show_found(draft: Draft, form: Any) -> ResponseReturnValue:
    """Show the organs and officers that words find."""
    words = form.look.data
    try:
        limits.count("officer")
    except TooMany as refusal:
        form.look.errors = [str(refusal.message)]
        return show_page(draft, WHO, form, status=429)
    with reading():
        organs = found.find_organs(words, clock.today())
        cards = found.find_officers(words)
        officers = [(card.id, card.name, pick(card.organ, "name"), card.card_number[-3:]) for card in cards]
        db.session.rollback()
    draft.answers["found"] = " ".join(str(officer[0]) for officer in officers)
    return show_page(draft, WHO, form, shown=(organs, officers))


def fill(draft: Draft, *pages: int) -> list[Any]:
    """Return the forms of pages; on a POST the choices are read without taking the database's write lock."""
    today, kind = clock.today(), draft.answers.get("kind", "")
    with reading():
        organs = [(str(row.id), pick(row, "name")) for row in queries.list_organs(today)] if WHO in pages else []
        streets = found.list_streets() if HAPPENED in pages else []
        anonymous = CONTACT not in pages or kind not in KINDS or load_case_types()[kind].anonymous
        db.session.rollback()
    choices = Choices(organs, streets, today, anonymous)
    return [fill_page(draft, page, choices) for page in pages]


def show_page(
    draft: Draft,
    page: int,
    form: Any = None,
    *,
    refused: list[str] | None = None,
    status: int = 422,
    shown: tuple[Any, Any] | None = None,
) -> ResponseReturnValue:
    """Render one of the five pages; with errors the status is 422 unless said otherwise."""
    form = form or fill(draft, page)[0]
    if refused:
        form.validate()
        form.files.errors = [*form.files.errors, *refused]
    if page == LAST:
        draft.checked = True
    html = render_template(
        "public/complaints/new.html",
        form=form,
        draft=draft,
        page=page,
        last=LAST,
        review=review_pages(draft, fill(draft, *range(FIRST, LAST))) if page == LAST else [],
        signed=draft.sign(PURPOSE),
        uploads=uploads,
        rules=rules,
        shown=shown,
        switch_form="complaint",
        **(read_beside(draft, page) if page in (CONTACT, LAST) else {}),
    )
    return html, status if form.errors else 200


def read_beside(draft: Draft, page: int) -> dict[str, Any]:
    """Return what the last pages show besides: answers that are public, a case like it, how long things are kept."""
    answers = draft.answers
    organ, category = answers.get("organ", ""), answers.get("category", "")
    place = guard.CASE if guard.find_place(guard.CASE) else guard.RECEIPT
    with reading():
        if page == CONTACT:
            words = f"{answers.get('facts', '')[:200]} {SUBJECTS.get(category, '')}"
            beside: dict[str, Any] = {"answers": found.list_answers(words, clock.today())}
        else:
            like = found.find_like(guard.find_place(place), int(organ) if organ.isdigit() else None, category)
            months = get_case_type(answers["kind"]).keep_months if answers.get("kind") in KINDS else 0
            beside = {
                "like": (like.number, like.received_at, url_for(f"complaints.{place}")) if like else None,
                "months": months,
            }
        db.session.rollback()
    return beside


def show_lost(draft: Draft, page: int) -> ResponseReturnValue:
    """Tell that the earlier pages' answers cannot be trusted any more; this page's are kept."""
    form = fill(draft, page)[0]
    form.form_errors.append(_("Your earlier answers could not be read any more; what is on this page was kept."))
    return show_page(draft, page, form)


def send(draft: Draft, form: Any) -> ResponseReturnValue:
    """Check all pages once more, write the complaint, and lead to its receipt."""
    pages = fill(draft, *range(FIRST, LAST))
    for page, filled in enumerate(pages, start=FIRST):
        if not filled.validate():
            return show_page(draft, page, filled)
    lost = draft.drop_lost_files()
    if lost:
        return show_page(draft, HAPPENED, refused=lost)
    if draft.expired or is_stale():
        form.form_errors.append(_("This page was open for too long. Check your answers and send it again."))
        return show_page(draft, LAST, form)
    filing = read_filing(draft, pages)
    with reading():
        terms = service.find_terms(filing)
        db.session.rollback()
    try:
        limits.count("complaint")
    except TooMany as refusal:
        return show_limit(draft, form, refusal)
    try:
        entered = service.enter_complaint(filing=filing, code=service.make_code(), terms=terms)
    except Conflict as refusal:
        db.session.rollback()
        form.form_errors.append(str(refusal.message))
        return show_page(draft, LAST, form, status=refusal.status)
    guard.open_place(guard.RECEIPT, entered.id)
    if not entered.is_new:
        flash(_("You had sent this before; this is its receipt."), "warn")
    db.session.commit()
    return redirect(url_for("complaints.receipt"))


def is_stale() -> bool:
    """Whether the request forgery token is missing or too old."""
    if not current_app.config.get("WTF_CSRF_ENABLED", True):
        return False
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return True
    return False


def show_limit(draft: Draft, form: Any, refusal: TooMany) -> ResponseReturnValue:
    """Tell when sending is possible again, keeping everything."""
    settings: Settings = current_app.config["SETTINGS"]
    when = moment(refusal.details["retry_at"])
    words = _("Too many complaints from your connection. Try again after %(when)s, or call %(phone)s.")
    form.form_errors.append(words % {"when": when, "phone": settings.hotline})
    return show_page(draft, LAST, form, status=429)


@blueprint.get("/receipt")
def receipt() -> ResponseReturnValue:
    """Show number and query code until the sender has them, for half an hour at most."""
    # Only receipts draw a code.
    import segno

    complaint_id = guard.find_place(guard.RECEIPT)
    if complaint_id is None:
        return redirect(url_for("complaints.track"))
    complaint = queries.get_for_sender(complaint_id)
    code = rules.group_code(service.show_code(complaint))
    settings: Settings = current_app.config["SETTINGS"]
    address = f"{settings.public_url}{url_for('complaints.track')}"
    picture = segno.make(address, error="m").svg_data_uri(scale=4, light="#fff", border=3)
    return render_template(
        "public/complaints/receipt.html", complaint=complaint, code=code, address=address, picture=picture
    )


@blueprint.post("/receipt")
def confirm() -> ResponseReturnValue:
    """Erase the code that the sender has saved, and show the case."""
    complaint_id = guard.find_place(guard.RECEIPT)
    if complaint_id is None:
        return redirect(url_for("complaints.track"))
    service.confirm_code(service.lock_for_sender(complaint_id))
    guard.close_place(guard.RECEIPT)
    guard.open_place(guard.CASE, complaint_id)
    db.session.commit()
    return redirect(url_for("complaints.case"))
