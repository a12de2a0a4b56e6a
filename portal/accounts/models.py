"""Staff accounts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, ForeignKey, event, inspect
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from portal.db import Model, Recorded, text_enum


class Role(StrEnum):
    """What a member of staff may do; see `portal.accounts.rules`."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    REVIEWER = "reviewer"
    CLERK = "clerk"


class Staff(Recorded, Model):
    """A member of staff; `organ_id` is the organ they act for (the legal office sees all).

    Who enforces as well has a card: `officer_id` keeps them away from complaints that name them.
    """

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(text_enum(Role))
    password_hash: Mapped[str]
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organ.id"), index=True)
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("officer.id"))
    active: Mapped[bool] = mapped_column(default=True)
    session_epoch: Mapped[int] = mapped_column(default=0)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]


@event.listens_for(Staff, "before_update")
def end_sessions_of_changed(_mapper: Mapper[Staff], _connection: Connection, staff: Staff) -> None:
    """Whoever changes what an account may do ends its sessions, whether they think of it or not."""
    state = inspect(staff)
    if any(state.attrs[name].history.has_changes() for name in ("password_hash", "role", "organ_id", "active")):
        staff.session_epoch += 1


class StaffSession(Model):
    """A place where somebody is signed in; it holds as long as its `epoch` is the account's.

    The browser has the token, only its digest is kept; where and with what somebody signed in is kept nowhere.
    """

    __tablename__ = "staff_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    epoch: Mapped[int]
    second_factor: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime]
    used_at: Mapped[datetime]


class SecondFactor(Recorded, Model):
    """The secret behind somebody's one-time codes, sealed; `last_step` is the last time step that opened."""

    __tablename__ = "staff_second_factor"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    data_key: Mapped[bytes]
    secret_sealed: Mapped[bytes]
    last_step: Mapped[int] = mapped_column(default=0)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class RecoveryCode(Model):
    """A code that opens once instead of a one-time code; gone when used."""

    __tablename__ = "staff_recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    code_hash: Mapped[bytes]
