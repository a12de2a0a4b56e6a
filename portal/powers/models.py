"""Power items and the transfers that move them between organs."""

from datetime import date
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.bases.models import Article
from portal.db import Model, Recorded, text_enum
from portal.organs.models import Organ


class PowerCategory(StrEnum):
    """The ten categories of the power lists."""

    PERMIT = "permit"
    PENALTY = "penalty"
    COERCION = "coercion"
    LEVY = "levy"
    PAYMENT = "payment"
    INSPECTION = "inspection"
    CONFIRMATION = "confirmation"
    REWARD = "reward"
    ADJUDICATION = "adjudication"
    OTHER = "other"


class PowerItem(Recorded, Model):
    """One power of one organ; `post` is who answers for it inside, `basis_text` what no article here can say."""

    __tablename__ = "power_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    category: Mapped[PowerCategory] = mapped_column(text_enum(PowerCategory))
    organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"), index=True)
    post: Mapped[str] = mapped_column(default="")
    basis_text: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]

    organ: Mapped[Organ] = relationship()
    grounds: Mapped[list["PowerGround"]] = relationship(
        back_populates="item", order_by="PowerGround.id", cascade="all, delete-orphan"
    )
    transfers: Mapped[list["PowerTransfer"]] = relationship(
        back_populates="item", order_by="PowerTransfer.since", cascade="all, delete-orphan"
    )


class PowerGround(Model):
    """An article that a power rests on."""

    __tablename__ = "power_ground"
    __table_args__ = (UniqueConstraint("item_id", "article_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("power_item.id", ondelete="CASCADE"))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)

    item: Mapped[PowerItem] = relationship(back_populates="grounds")
    article: Mapped[Article] = relationship()


class PowerTransfer(Recorded, Model):
    """A power held by another organ for some time (administrative penalty law, articles 18 and 24).

    `until` is the last day; none means until further notice.
    """

    __tablename__ = "power_transfer"
    __table_args__ = (UniqueConstraint("item_id", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("power_item.id", ondelete="CASCADE"))
    organ_id: Mapped[int] = mapped_column(ForeignKey("organ.id"), index=True)
    since: Mapped[date]
    until: Mapped[date | None]
    document_number: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")

    item: Mapped[PowerItem] = relationship(back_populates="transfers")
    organ: Mapped[Organ] = relationship()
