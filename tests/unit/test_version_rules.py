"""What changed between two versions is told word by word, losing nothing, within bounded time."""

import time
from dataclasses import dataclass
from random import Random

import pytest

from portal.basis_versions import rules
from portal.basis_versions.rules import Budget, Op


@dataclass(frozen=True)
class Line:
    """An article for tests."""

    number: int
    text: str
    suffix: int = 0

    @property
    def label(self) -> str:
        return f"第{self.number}条"


def put_together(pieces: list[rules.Piece], op: Op) -> str:
    return "".join(text for kind, text in pieces if kind in (Op.SAME, op))


def test_pieces_give_both_texts_back() -> None:
    random = Random(7)
    for _ in range(400):
        old, new = ("".join(random.choices("甲乙丙。 12ab\n", k=random.randrange(40))) for _ in range(2))
        pieces, fine = rules.differences(old, new, Budget())
        assert fine
        assert put_together(pieces, Op.DELETED) == old
        assert put_together(pieces, Op.INSERTED) == new


def test_only_the_words_that_changed_are_marked() -> None:
    pieces, _fine = rules.differences("处1000元以下罚款。", "处5000元以下罚款。", Budget())
    assert pieces == [(Op.SAME, "处"), (Op.DELETED, "1000"), (Op.INSERTED, "5000"), (Op.SAME, "元以下罚款。")]


WORDS = [
    "为了规范测试制定本条例",
    "测试机关负责全市的测试",
    "违反规定的处一千元以下罚款",
    "本条例由市政府负责解释",
    "施行日期另行规定公布",
]


def test_renumbered_inserted_deleted_and_changed_articles_are_recognised() -> None:
    old = [Line(number, text) for number, text in enumerate(WORDS, 1)]
    new = [
        Line(1, WORDS[0]), Line(2, "全新的一条讲的是别的事情"), Line(3, WORDS[1]),
        Line(4, "违反规定的处三千元以下罚款"), Line(5, WORDS[4]),
    ]  # fmt: skip
    found = [
        (change.old.number if change.old else None, change.new.number if change.new else None, sorted(change.kinds))
        for change in rules.compare(old, new).changes
    ]
    assert found == [
        (1, 1, ["unchanged"]),
        (None, 2, ["inserted"]),
        (2, 3, ["renumbered"]),
        (3, 4, ["changed", "renumbered"]),
        (4, None, ["deleted"]),
        (5, 5, ["unchanged"]),
    ]


def test_unchanged_articles_that_follow_each_other_are_one_group() -> None:
    old = [Line(number, text) for number, text in enumerate(WORDS, 1)]
    new = [*old[:3], Line(4, "本条例由市人大负责解释"), old[4]]
    assert [len(group) for group in rules.compare(old, new).groups] == [3, 1, 1]


@pytest.mark.parametrize(
    ("count", "size", "letters"), [(2000, 700, "甲"), (500, 700, "甲乙丙丁"), (1, 400_000, "甲乙丙丁")]
)
def test_hostile_sizes_take_bounded_time_and_lose_nothing(count: int, size: int, letters: str) -> None:
    random = Random(3)
    old, new = (
        [Line(number, "".join(random.choices(letters, k=size + random.randrange(9)))) for number in range(count)]
        for _ in range(2)
    )
    started = time.process_time()
    comparison = rules.compare(old, new)
    assert time.process_time() - started < 15
    assert [change.new for change in comparison.changes if change.new] == new
    assert {change.old for change in comparison.changes if change.old} == set(old)
    for change in comparison.changes:
        if change.pieces and change.old and change.new:
            assert put_together(list(change.pieces), Op.DELETED) == change.old.text
