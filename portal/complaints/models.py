"""Complaints, what happened to them, and the files that came with them."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.contacts.models import Contact
from portal.db import Model, text_enum
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
    CLOSED = "closed"


class Complaint(Model):
    """One complaint. The sender's name and number are for those who must answer; the query code is kept hashed.

    `code_sealed` is what the code is computed from, together with the portal's secret key: neither alone gives it.
    It is erased once the sender has the code, and then nothing can show the code again.
    `organ` is complained about, `handler_organ` handles; for complaints about conduct they are never the same.
    """

    __tablename__ = "complaint"
    __table_args__ = (Index("ix_complaint_worklist", "state", "answer_due_on", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    code_hash: Mapped[str]
    code_sealed: Mapped[str | None]
    code_sealed_until: Mapped[datetime | None] = mapped_column(index=True)
    submission_key: Mapped[str | None] = mapped_column(unique=True)
    kind: Mapped[ComplaintKind] = mapped_column(text_enum(ComplaintKind))
    category: Mapped[str] = mapped_column(default="")
    state: Mapped[ComplaintState] = mapped_column(text_enum(ComplaintState), default=ComplaintState.SUBMITTED)
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"), index=True)
    handler_organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"), index=True)
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    officer: Mapped[str] = mapped_column(default="")
    title: Mapped[str] = mapped_column(default="")
    facts: Mapped[str]
    wants: Mapped[str] = mapped_column(default="")
    happened_on: Mapped[date | None]
    place: Mapped[str] = mapped_column(default="")
    anonymous: Mapped[bool] = mapped_column(default=False)
    sender_name: Mapped[str] = mapped_column(default="")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    sms_wanted: Mapped[bool] = mapped_column(default=False)
    publish_consent: Mapped[bool] = mapped_column(default=False)
    locale: Mapped[str] = mapped_column(default="zh_Hans")
    received_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    accept_due_on: Mapped[date]
    answer_due_on: Mapped[date]
    accepted_at: Mapped[datetime | None]
    refusal_reason: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(default="")
    grade: Mapped[int | None]
    grade_comment: Mapped[str] = mapped_column(default="")
    solved: Mapped[bool | None]
    rated_at: Mapped[datetime | None]

    organ: Mapped[Organ | None] = relationship(foreign_keys=[organ_id])
    handler_organ: Mapped[Organ | None] = relationship(foreign_keys=[handler_organ_id])
    contact: Mapped[Contact | None] = relationship()
    events: Mapped[list["ComplaintEvent"]] = relationship(back_populates="complaint", order_by="ComplaintEvent.id")
    files: Mapped[list["ComplaintFile"]] = relationship(back_populates="complaint", order_by="ComplaintFile.id")


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


class ComplaintEvent(Model):
    """One thing that happened; `public` ones are shown to the sender."""

    __tablename__ = "complaint_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    action: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    public: Mapped[bool] = mapped_column(default=False)
    text: Mapped[str] = mapped_column(default="")

    complaint: Mapped[Complaint] = relationship(back_populates="events")


class ComplaintFile(Model):
    """A file sent along: the sealed original by digest, and a cleaned copy to look at where one can be made."""

    __tablename__ = "complaint_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    clean_sha256: Mapped[str | None]

    complaint: Mapped[Complaint] = relationship(back_populates="files")
