"""The public log of publication, and the signed checkpoints over it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.db import Model, text_enum


class LogAction(StrEnum):
    """What happened to a published record."""

    PUBLISH = "publish"
    CORRECT = "correct"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


class LogEntry(Model):
    """One step of one published record; each carries the hash of the entry before it.

    `content_hash` is over the salt and the public content: without the salt, which is shown only while the record is
    public, nobody can find out by trying what an expired record said.
    """

    __tablename__ = "log_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    subject: Mapped[str] = mapped_column(index=True)
    action: Mapped[LogAction] = mapped_column(text_enum(LogAction))
    salt: Mapped[str] = mapped_column(default="")
    content_hash: Mapped[str] = mapped_column(default="")
    previous_hash: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)


class LogCheckpoint(Model):
    """A signature over the log up to an entry (Ed25519); `key_id` names the key."""

    __tablename__ = "log_checkpoint"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    entry_id: Mapped[int] = mapped_column(unique=True)
    hash: Mapped[str]
    key_id: Mapped[str]
    signature: Mapped[str]
