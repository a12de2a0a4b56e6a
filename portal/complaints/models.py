"""Complaints, what happened to them, and the files that came with them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, overload

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock, vault
from portal.case_types.models import CaseType
from portal.contacts.models import Contact
from portal.db import Model, partial_index, text_enum
from portal.organs.models import Organ


class ComplaintKind(StrEnum):
    """What a citizen wants to say."""

    CONDUCT = "conduct"
    REPORT = "report"
    QUESTION = "question"
    SUGGESTION = "suggestion"


class ComplaintState(StrEnum):
    """Where a complaint stands."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    CLOSED = "closed"


class Channel(StrEnum):
    """How a complaint came in."""

    WEB = "web"
    PHONE = "phone"
    PAPER = "paper"
    WINDOW = "window"
    HOTLINE = "hotline"


class Finding(StrEnum):
    """What came out of a complaint."""

    FOUNDED = "founded"
    PARTLY = "partly"
    UNFOUNDED = "unfounded"


SIFTED = ("state", "kind", "channel", "delicate", "organ_id", "handler_id", "paused_on", "erased_at")


class SealedText:
    """A text that is kept in one of a record's sealed envelopes instead of a column of its own."""

    name: str

    def __init__(self, envelope: str) -> None:
        self.envelope = envelope

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, record: None, owner: type) -> "SealedText": ...
    @overload
    def __get__(self, record: "Enveloped", owner: type) -> str: ...
    def __get__(self, record: "Enveloped | None", owner: type) -> "str | SealedText":
        return self if record is None else record.open_envelope(self.envelope).get(self.name, "")

    def __set__(self, record: "Enveloped", text: str) -> None:
        texts = dict(record.open_envelope(self.envelope))
        texts[self.name] = text
        record.close_envelope(self.envelope, {name: kept for name, kept in texts.items() if kept})


class Enveloped:
    """A record whose texts are sealed together, an envelope at a time, under one data key."""

    _opened: dict[str, tuple[bytes, dict[str, str]]] | None = None

    def open_data_key(self) -> bytes:
        """Return the key that seals this record's texts."""
        raise NotImplementedError

    def seal_context(self, envelope: str) -> str:
        """Return what an envelope is bound to."""
        raise NotImplementedError

    def open_envelope(self, envelope: str) -> dict[str, str]:
        """Return the texts of an envelope by name, unsealed once as long as it does not change.

        Raises BrokenSeal when it was changed by other hands.
        """
        sealed: bytes | None = getattr(self, envelope)
        if sealed is None:
            return {}
        opened = self._opened or {}
        kept, texts = opened.get(envelope, (b"", {}))
        if kept != sealed:
            texts = vault.unseal_json(self.open_data_key(), sealed, self.seal_context(envelope))
            self._opened = opened | {envelope: (sealed, texts)}
        return texts

    def close_envelope(self, envelope: str, texts: dict[str, str]) -> None:
        """Seal texts by name in place of what an envelope held."""
        context = self.seal_context(envelope)
        setattr(self, envelope, vault.seal_json(self.open_data_key(), texts, context) if texts else None)


def key_context(number: str) -> str:
    """Return what the data key of a complaint is bound to."""
    return f"complaint:{number}"


def envelope_context(envelope: str, number: str) -> str:
    """Return what an envelope of a complaint is bound to: its column and the complaint's number."""
    return f"complaint.{envelope}:{number}"


def wrap_key(data_key: bytes, number: str) -> bytes:
    """Return the data key of a new complaint, wrapped by the vault."""
    return vault.get_vault().wrap(data_key, key_context(number))


class Complaint(Enveloped, Model):
    """One complaint. What it says, and who sent it, are sealed apart; the query code is kept hashed.

    `code_sealed` is the code itself, sealed until its sender has it, and then erased: nothing can show it again.
    `organ` is complained about, `handler_organ` handles, and leads when others join; for whatever is `delicate` they
    are never the same. `clock_from_on` is the day the periods start after: that of receipt, or of the reopening.
    `next_due_on` is the next deadline, none while the sender is waited for or nothing is due. `escalated_due_on` is the
    last one that was over when the supervising organ was told.
    """

    __tablename__ = "complaint"
    __table_args__ = (
        # Worklists: in their order, with all they can be narrowed to, for everybody and for the organ that leads.
        Index("ix_complaint_due", "next_due_on", "id", *SIFTED, "handler_organ_id"),
        Index("ix_complaint_lead", "handler_organ_id", "next_due_on", "id", *SIFTED),
        Index("ix_complaint_organ_due", "organ_id", "next_due_on", "id"),
        Index("ix_complaint_handler_due", "handler_id", "next_due_on", "id"),
        partial_index("ix_complaint_paused", "paused_on", "id", where="paused_on IS NOT NULL"),
        partial_index("ix_complaint_kept", "closed_at", "id", where="closed_at IS NOT NULL AND erased_at IS NULL"),
        Index("ix_complaint_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    data_key: Mapped[bytes]
    texts_sealed: Mapped[bytes | None]
    identity_sealed: Mapped[bytes | None]
    code_hash: Mapped[str]
    code_sealed: Mapped[bytes | None]
    code_sealed_until: Mapped[datetime | None] = mapped_column(index=True)
    submission_key: Mapped[str | None] = mapped_column(unique=True)
    kind: Mapped[ComplaintKind] = mapped_column(text_enum(ComplaintKind))
    category: Mapped[str] = mapped_column(default="")
    case_type_key: Mapped[str | None] = mapped_column(ForeignKey("case_type.key"))
    channel: Mapped[Channel] = mapped_column(text_enum(Channel), default=Channel.WEB)
    external_number: Mapped[str | None] = mapped_column(unique=True, index=True)
    registered_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    state: Mapped[ComplaintState] = mapped_column(text_enum(ComplaintState), default=ComplaintState.SUBMITTED)
    finding: Mapped[Finding | None] = mapped_column(text_enum(Finding))
    delicate: Mapped[bool] = mapped_column(default=False)
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    power_item_id: Mapped[int | None] = mapped_column(ForeignKey("power_item.id"))
    handler_organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"))
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    happened_on: Mapped[date | None]
    street: Mapped[str] = mapped_column(default="")
    anonymous: Mapped[bool] = mapped_column(default=False)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    sms_wanted: Mapped[bool] = mapped_column(default=False)
    publish_consent: Mapped[bool] = mapped_column(default=False)
    locale: Mapped[str] = mapped_column(default="zh_Hans")
    received_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    clock_from_on: Mapped[date]
    accept_due_on: Mapped[date]
    answer_due_on: Mapped[date]
    next_due_on: Mapped[date | None]
    escalated_due_on: Mapped[date | None]
    extended_by: Mapped[int] = mapped_column(default=0)
    paused_on: Mapped[date | None]
    accepted_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    grade: Mapped[int | None]
    solved: Mapped[bool | None]
    call_wanted: Mapped[bool] = mapped_column(default=False)
    rated_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("complaint.id"), index=True)
    split_from_id: Mapped[int | None] = mapped_column(ForeignKey("complaint.id"), index=True)
    erased_at: Mapped[datetime | None]

    officer = SealedText("texts_sealed")
    title = SealedText("texts_sealed")
    facts = SealedText("texts_sealed")
    wants = SealedText("texts_sealed")
    place = SealedText("texts_sealed")
    refusal_reason = SealedText("texts_sealed")
    answer = SealedText("texts_sealed")
    grade_comment = SealedText("texts_sealed")
    sender_name = SealedText("identity_sealed")
    sender_address = SealedText("identity_sealed")

    case_type: Mapped[CaseType | None] = relationship()
    organ: Mapped[Organ | None] = relationship(foreign_keys=[organ_id])
    handler_organ: Mapped[Organ | None] = relationship(foreign_keys=[handler_organ_id])
    contact: Mapped[Contact | None] = relationship()
    events: Mapped[list["ComplaintEvent"]] = relationship(back_populates="complaint", order_by="ComplaintEvent.id")
    files: Mapped[list["ComplaintFile"]] = relationship(back_populates="complaint", order_by="ComplaintFile.id")
    pauses: Mapped[list["ComplaintPause"]] = relationship(back_populates="complaint", order_by="ComplaintPause.id")
    organs: Mapped[list["ComplaintOrgan"]] = relationship(back_populates="complaint")

    def __init__(self, *, number: str, **values: Any) -> None:
        # The texts among the values are sealed as they are set, which needs number and key.
        self.number = number
        self.data_key = wrap_key(vault.new_data_key(), number)
        super().__init__(**values)

    def open_data_key(self) -> bytes:
        """Return the key that seals everything about this complaint but its files."""
        return vault.open_data_key(self.data_key, key_context(self.number))

    def seal_context(self, envelope: str) -> str:
        """Return what an envelope is bound to: its column and this complaint."""
        return envelope_context(envelope, self.number)


# The values of a new complaint as far as the model has them.
BLANK: dict[str, Any] = {
    column.name: column.default.arg if column.default is not None and column.default.is_scalar else None
    for column in Complaint.__table__.columns
    if not column.primary_key
}


class OrganPart(StrEnum):
    """What an organ besides the first has to do with a complaint."""

    SUBJECT = "subject"
    JOINT = "joint"


class ComplaintOrgan(Model):
    """One more organ that a complaint is about, or that joins in handling it under the lead of `handler_organ`."""

    __tablename__ = "complaint_organ"

    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), primary_key=True)
    organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"), primary_key=True, index=True)
    part: Mapped[OrganPart] = mapped_column(text_enum(OrganPart), primary_key=True)

    complaint: Mapped[Complaint] = relationship(back_populates="organs")
    organ: Mapped[Organ] = relationship()


class ComplaintNamed(Model):
    """A member of staff, or an officer, whom a complaint names: they must never see it (petition rules, article 30).

    `words` says how that is known: `officer` the sender named them, `text` their name or card number stands in what
    was written, `staff` a colleague said so. `cleared_at` is set when it turned out to be somebody else.
    """

    __tablename__ = "complaint_named"
    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("officer.id"), index=True)
    words: Mapped[str]
    cleared_at: Mapped[datetime | None]


class ComplaintPause(Model):
    """Days that no period counts, because the sender was asked for something; no `until` while it lasts."""

    __tablename__ = "complaint_pause"

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    since: Mapped[date]
    until: Mapped[date | None]

    complaint: Mapped[Complaint] = relationship(back_populates="pauses")


class ComplaintDay(Model):
    """How many numbers a day has given out; the row's lock makes two filings take turns."""

    __tablename__ = "complaint_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    given: Mapped[int]


class ComplaintTry(Model):
    """Wrong tries at a number, whether or not there is such a case, so that a lock says nothing about that."""

    __tablename__ = "complaint_try"

    number: Mapped[str] = mapped_column(primary_key=True)
    tries: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)
    locked_until: Mapped[datetime | None]


class ComplaintEvent(Enveloped, Model):
    """One thing that happened; `public` ones are shown to the sender. Its text is sealed under the complaint's key."""

    __tablename__ = "complaint_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    action: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    public: Mapped[bool] = mapped_column(default=False)
    text_sealed: Mapped[bytes | None]

    text = SealedText("text_sealed")

    complaint: Mapped[Complaint] = relationship(back_populates="events")

    def __init__(self, *, complaint: Complaint, action: str, **values: Any) -> None:
        # The text among the values is sealed as it is set, which needs the complaint: read whole before it knows us.
        complaint.open_data_key()
        self.complaint, self.action = complaint, action
        super().__init__(**values)

    def open_data_key(self) -> bytes:
        """Return the key of the complaint that this happened to."""
        return self.complaint.open_data_key()

    def seal_context(self, envelope: str) -> str:
        """Return what the text is bound to: this kind of event of this complaint."""
        return f"complaint_event.{envelope}:{self.complaint.number}:{self.action}"


class ComplaintFile(Enveloped, Model):
    """A file sent along: the sealed original by digest, and a cleaned copy to look at where one can be made.

    Both lie sealed under `token`; `caution` is what staff are told before they open it (`file_kinds.Caution`).
    `public` ones are shown to the sender; staff may add files of their own. A file that had to be removed leaves its
    digest and why.
    """

    __tablename__ = "complaint_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("complaint_event.id"))
    token: Mapped[str] = mapped_column(unique=True, index=True)
    name_sealed: Mapped[bytes | None]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    clean_sha256: Mapped[str | None]
    caution: Mapped[str] = mapped_column(default="")
    public: Mapped[bool] = mapped_column(default=True)
    removed_at: Mapped[datetime | None]
    removed_reason: Mapped[str] = mapped_column(default="")

    name = SealedText("name_sealed")

    complaint: Mapped[Complaint] = relationship(back_populates="files")

    def __init__(self, *, complaint: Complaint, token: str, **values: Any) -> None:
        # The name among the values is sealed as it is set, which needs complaint and token.
        self.complaint, self.token = complaint, token
        super().__init__(**values)

    def open_data_key(self) -> bytes:
        """Return the key of the complaint that this file came with."""
        return self.complaint.open_data_key()

    def seal_context(self, envelope: str) -> str:
        """Return what the name is bound to: this file of this complaint."""
        return f"complaint_file.{envelope}:{self.complaint.number}:{self.token}"
