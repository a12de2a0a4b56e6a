"""Writing replies, having them read by a second person, and sending them as they were read. Callers commit."""

import csv
from dataclasses import dataclass
from pathlib import Path

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.accounts.models import Staff
from portal.audit import service as audit
from portal.case_clocks.service import end_pause
from portal.complaints.models import Complaint, Finding
from portal.complaints.rules import allows
from portal.complaints.service import add_event, answer_complaint, refuse_complaint
from portal.db import db
from portal.errors import Conflict, Forbidden, Refusal, TransitionError
from portal.i18n import pick, speaking
from portal.reply_drafts import queries, rules
from portal.reply_drafts.models import DraftState, ReplyDraft, ReplyPurpose, ReplyTemplate

TEMPLATES = Path(__file__).parent / "data" / "templates.csv"
EDITABLE = (DraftState.WRITING, DraftState.RETURNED)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What somebody has written: the text, what was found, or the ground of a refusal and where to go instead."""

    text: str
    finding: Finding | None = None
    ground: str = ""
    elsewhere: str = ""


def save_draft(*, complaint: Complaint, staff: Staff, reply: Reply) -> ReplyDraft:
    """Keep what is being written for a case; raises Conflict while it waits for its reviewer or was approved."""
    purpose = queries.PURPOSES.get(complaint.state)
    if purpose is None or not allows(complaint.state, "answer" if purpose is ReplyPurpose.ANSWER else "refuse"):
        raise TransitionError(_l("This step is not possible any more; below is how it stands now."))
    draft = queries.find_draft(complaint)
    if draft is not None and draft.state not in EDITABLE:
        raise Conflict(_l("The draft was handed over. Take it back first to change it."))
    if draft is None:
        # A refusal that was begun before the case was accepted has no use any more.
        if (left := db.session.get(ReplyDraft, complaint.id)) is not None:
            db.session.delete(left)
            db.session.flush()
        # Said here, not when it is flushed: what its writers did counts from this moment on.
        draft = ReplyDraft(complaint=complaint, purpose=purpose, writer_id=staff.id, created_at=clock.now())
        db.session.add(draft)
    draft.state, draft.writer_id, draft.changed_at = DraftState.WRITING, staff.id, clock.now()
    draft.text, draft.finding, draft.ground, draft.elsewhere = reply.text, reply.finding, reply.ground, reply.elsewhere
    add_event(complaint, "draft", public=False, staff=staff)
    audit.record("complaint.draft", f"complaint:{complaint.id}", staff_id=staff.id)
    return draft


def hand_over(*, complaint: Complaint, staff: Staff, reviewer_id: int) -> None:
    """Hand a draft over to a second person; raises Refusal when they may not review it or something is missing."""
    draft = _get_draft(complaint, *EDITABLE)
    _check_whole(draft)
    if reviewer_id not in {row.id for row in queries.list_reviewers(complaint, staff)}:
        raise Refusal(
            _l("Choose somebody who may see this case and has written nothing of the draft."), field="reviewer"
        )
    draft.state, draft.reviewer_id, draft.comment = DraftState.WAITING, reviewer_id, ""
    draft.reviewed_at = None
    add_event(complaint, "draft-hand-over", public=False, staff=staff)
    audit.record("complaint.draft-hand-over", f"complaint:{complaint.id}", staff_id=staff.id, reviewer_id=reviewer_id)


def take_back(*, complaint: Complaint, staff: Staff) -> None:
    """Take a draft back that waits or was approved, to write on."""
    draft = _get_draft(complaint, DraftState.WAITING, DraftState.APPROVED)
    draft.state, draft.reviewer_id, draft.reviewed_at = DraftState.WRITING, None, None
    add_event(complaint, "draft-take-back", public=False, staff=staff)
    audit.record("complaint.draft-take-back", f"complaint:{complaint.id}", staff_id=staff.id)


def review(*, complaint: Complaint, staff: Staff, approved: bool, comment: str) -> None:
    """Approve a draft, or send it back with a comment, as the second person it was handed to.

    Raises Forbidden for whoever has written any of it, and for anybody it was not handed to.
    """
    draft = _get_draft(complaint, DraftState.WAITING)
    if staff.id in queries.list_writers(draft):
        raise Forbidden(_l("You have written some of this draft, so somebody else has to review it."))
    if staff.id != draft.reviewer_id:
        raise Forbidden(_l("This draft was handed to somebody else for review."))
    if not approved and not comment:
        raise Refusal(_l("Say what has to change"), field="comment")
    draft.state = DraftState.APPROVED if approved else DraftState.RETURNED
    draft.comment, draft.reviewed_at = comment, clock.now()
    action = "draft-approve" if approved else "draft-send-back"
    add_event(complaint, action, public=False, text=comment, staff=staff)
    audit.record(f"complaint.{action}", f"complaint:{complaint.id}", staff_id=staff.id)


def send(*, complaint: Complaint, staff: Staff) -> None:
    """Send the approved draft, word for word, as the answer or refusal; raises Conflict when none was approved."""
    draft = _get_draft(complaint, DraftState.APPROVED)
    if draft.reviewer_id is None or draft.reviewer_id in queries.list_writers(draft):
        raise Forbidden(_l("You have written some of this draft, so somebody else has to review it."))
    who = {"writer_id": draft.writer_id, "reviewer_id": draft.reviewer_id}
    if complaint.paused_on is not None:
        end_pause(complaint)
    if draft.purpose is ReplyPurpose.ANSWER:
        answer_complaint(complaint=complaint, staff=staff, answer=draft.text, finding=draft.finding)
    else:
        refuse_complaint(complaint=complaint, staff=staff, reason=write_refusal(draft))
        complaint.closed_at = clock.now()
    audit.record("complaint.reply", f"complaint:{complaint.id}", staff_id=staff.id, ground=draft.ground, **who)
    db.session.delete(draft)
    db.session.flush()


def write_refusal(draft: ReplyDraft) -> str:
    """Return a refusal as its sender reads it: the ground with its article, the reason, and where to go instead."""
    grounds = {ground.key: ground for ground in queries.load_grounds()}
    with speaking(draft.complaint.locale):
        ground = grounds.get(draft.ground)
        lines = [f"{pick(ground, 'name')}\n{pick(ground, 'article')}"] if ground else []
        lines.append(draft.text)
        if draft.elsewhere:
            lines.append(_("%(label)s: %(value)s", label=_("Where to go instead"), value=draft.elsewhere))
    return "\n\n".join(lines)


def _get_draft(complaint: Complaint, *states: DraftState) -> ReplyDraft:
    draft = queries.find_draft(complaint)
    if draft is None or draft.state not in states:
        raise Conflict(_l("The draft does not stand there any more; below is how it stands now."))
    return draft


def _check_whole(draft: ReplyDraft) -> None:
    complaint = draft.complaint
    if not draft.text:
        raise Refusal(_l("Write the answer"), field="reply")
    if rules.BLANK in draft.text:
        raise Refusal(_l("Write what the template leaves open: ____"), field="reply")
    if draft.purpose is ReplyPurpose.ANSWER:
        if rules.needs_finding(complaint.kind) and draft.finding is None:
            raise Refusal(_l("Choose what was found"), field="finding")
        return
    ground = next((row for row in queries.list_grounds(complaint) if row.key == draft.ground), None)
    if ground is None:
        raise Refusal(_l("Choose on what ground it is not accepted"), field="ground")
    if ground.elsewhere and not draft.elsewhere:
        raise Refusal(_l("Write where the sender can go instead"), field="elsewhere")


@dataclass(frozen=True, kw_only=True)
class TemplateContent:
    """What a template says and which cases it fits; empty kind or category, or no organ, fits every one."""

    purpose: ReplyPurpose
    name: str
    kind: str
    category: str
    organ_id: int | None
    body: str
    active: bool


def save_template(*, template: ReplyTemplate | None, content: TemplateContent, staff: Staff) -> ReplyTemplate:
    """Write a template anew, or change one."""
    if template is None:
        template = ReplyTemplate(**vars(content))
        db.session.add(template)
    else:
        for name, value in vars(content).items():
            setattr(template, name, value)
    db.session.flush()
    audit.record("reply-template.save", f"reply-template:{template.id}", staff_id=staff.id, body=content.body)
    return template


def load_facts() -> None:
    """Bring in the templates that ship, as long as there are none: what a city writes or puts out of use stays."""
    if queries.list_templates():
        return
    with TEMPLATES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            db.session.add(ReplyTemplate(**row | {"purpose": ReplyPurpose(row["purpose"])}))
    db.session.flush()
