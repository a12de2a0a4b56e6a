"""The steps of the workbench as data: the form each takes, what it does, and what is said when it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import clock, uploads
from portal.accounts.models import Staff
from portal.case_clocks import service as clocks
from portal.case_parts import service as parts
from portal.case_steps import forms, service
from portal.case_transfers import queries as case_transfers
from portal.case_transfers import service as transfers
from portal.complaints import queries
from portal.complaints.forms import StepForm
from portal.complaints.models import Complaint, ComplaintKind
from portal.errors import Refusal
from portal.i18n import pick
from portal.reply_drafts import queries as replies
from portal.reply_drafts import service as drafts
from portal.reply_drafts.forms import ReviewForm

Choices = list[tuple[Any, str]]
PLEASE = _l("Please choose")


@dataclass(frozen=True)
class Step:
    """One thing to do: the form it takes, what it does, and what is said when it is done.

    Without `check` it does not matter what else has happened since the page was opened.
    """

    form: type[StepForm]
    act: Callable[[Complaint, Staff, Any], object]
    done: object
    check: bool = True


STEPS: dict[str, Step] = {
    "assign": Step(
        forms.AssignForm,
        lambda case, staff, form: service.assign_complaint(complaint=case, staff=staff, handler_id=form.handler.data),
        _l("The complaint has a handler now."),
    ),
    "accept": Step(
        StepForm,
        lambda case, staff, _form: service.accept_complaint(complaint=case, staff=staff),
        _l("Accepted. The sender can see it."),
    ),
    "message": Step(
        forms.MessageForm,
        lambda case, staff, form: service.send_message(
            complaint=case, staff=staff, text=form.message.data, files=stage_files(form.message_files)
        ),
        _l("Message sent. The sender can see it."),
    ),
    "note": Step(
        forms.NoteForm,
        lambda case, staff, form: service.add_note(
            complaint=case, staff=staff, note=form.note.data, files=stage_files(form.note_files)
        ),
        _l("Note saved, for staff only."),
        check=False,
    ),
    "ask": Step(
        forms.AskForm,
        lambda case, staff, form: clocks.ask_sender(complaint=case, staff=staff, text=form.ask.data),
        _l("Asked. The period stands still until the sender answers."),
    ),
    "resume": Step(
        StepForm,
        lambda case, staff, _form: clocks.resume(complaint=case, staff=staff),
        _l("The period runs again."),
    ),
    "extend": Step(
        forms.ExtendForm,
        lambda case, staff, form: clocks.ask_extension(complaint=case, staff=staff, reason=form.extend_why.data),
        _l("A supervisor has to decide the extension."),
    ),
    "decide-extension": Step(
        forms.DecideExtensionForm,
        lambda case, staff, form: clocks.decide_extension(
            complaint=case, staff=staff, granted=form.verdict.data == "grant", words=form.extend_words.data
        ),
        _l("The extension is decided."),
    ),
    "transfer": Step(
        forms.TransferForm,
        lambda case, staff, form: transfers.transfer(
            complaint=case, staff=staff, organ_id=form.transfer_organ.data, reason=form.transfer_why.data
        ),
        _l("Passed on. The period runs on."),
    ),
    "give-back": Step(
        forms.GiveBackForm,
        lambda case, staff, form: transfers.give_back(complaint=case, staff=staff, reason=form.return_why.data),
        _l("Given back. The period runs on."),
    ),
    "join": Step(
        forms.JointForm,
        lambda case, staff, form: transfers.set_joint(
            complaint=case, staff=staff, organ_ids=form.joint_organs.data or []
        ),
        _l("Saved who joins in."),
    ),
    "split": Step(
        forms.SplitForm,
        lambda case, staff, form: parts.split(complaint=case, staff=staff, part=read_part(form)),
        _l("The second matter is a case of its own now; its number stands in the history."),
    ),
    "merge": Step(
        forms.MergeForm,
        lambda case, staff, form: parts.merge(complaint=case, staff=staff, number=form.lead.data),
        _l("Joined. The sender can follow the steps of the other case, without its words."),
    ),
    "take-back": Step(
        StepForm, lambda case, staff, _form: drafts.take_back(complaint=case, staff=staff), _l("You can write on.")
    ),
    "review": Step(
        ReviewForm,
        lambda case, staff, form: drafts.review(
            complaint=case, staff=staff, approved=form.verdict.data == "approve", comment=form.comment.data
        ),
        _l("The draft is reviewed."),
    ),
    "send": Step(
        StepForm, lambda case, staff, _form: drafts.send(complaint=case, staff=staff), _l("Sent to the complainant.")
    ),
}

CHOICES: dict[str, Callable[[Complaint, Staff], Choices]] = {
    "handler": lambda case, _staff: [(row.id, row.name) for row in queries.list_assignable(case)],
    "transfer_organ": lambda case, _staff: [(0, str(PLEASE)), *list_targets(case)],
    "joint_organs": lambda case, _staff: list_targets(case),
    "part_organ": lambda _case, _staff: [("", _("Not named")), *list_organs()],
    "part_files": lambda case, _staff: [(file.id, file.name) for file in case.files if file.removed_at is None],
    "template": lambda case, _staff: [("", _("None")), *((row.id, row.name) for row in replies.list_fitting(case))],
    "ground": lambda case, _staff: [
        ("", str(PLEASE)),
        *((ground.key, pick(ground, "name")) for ground in replies.list_grounds(case)),
    ],
    "reviewer": lambda case, staff: [
        ("", str(PLEASE)),
        *((row.id, row.name) for row in replies.list_reviewers(case, staff)),
    ],
}


def list_organs() -> Choices:
    """Return every organ to choose from."""
    return [(row.id, pick(row, "name")) for row in queries.list_organs(clock.today())]


def list_targets(complaint: Complaint) -> Choices:
    """Return the organs that may lead a case or join in."""
    return [(row.id, pick(row, "name")) for row in case_transfers.list_targets(complaint, clock.today())]


def fill_choices(form: StepForm, complaint: Complaint, staff: Staff) -> None:
    """Give the fields of a form what can be chosen for this complaint."""
    for name, find in CHOICES.items():
        if name in form:
            form[name].choices = find(complaint, staff)


def stage_files(field: Any) -> list[uploads.Staged]:
    """Judge the files that came with a form, and stage them; raises Refusal for the first that cannot be taken."""
    sent = [file for file in field.data or [] if getattr(file, "filename", "")]
    if len(sent) > uploads.MAX_FILES:
        raise Refusal(_("At most %(limit)d files at once.", limit=uploads.MAX_FILES), field=field.name)
    return [uploads.stage(file) for file in sent]


def read_part(form: forms.SplitForm) -> parts.Part:
    """Return the second matter of a letter from a valid form."""
    return parts.Part(
        kind=ComplaintKind(form.part_kind.data),
        category=form.part_category.data,
        organ_id=int(form.part_organ.data) if form.part_organ.data else None,
        officer=form.part_officer.data,
        facts=form.part_facts.data,
        file_ids=tuple(form.part_files.data or ()),
    )
