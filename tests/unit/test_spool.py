"""The queue on one machine: a wake-up is there whole or not at all."""

from pathlib import Path
from typing import Any

import pytest
from kombu.exceptions import ChannelError

from notifiers.spool import Channel
from notifiers.wakeups import QUEUE, make_celery


class Watched:
    """Tells what lies in a folder at the moment at which a message is put into words."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[str] | None = None

    def __json__(self) -> str:
        self.seen = [path.name for path in self.folder.iterdir()]
        return "words"


@pytest.fixture
def queue(tmp_path: Path) -> Any:
    for name in ("queue", "control"):
        (tmp_path / "celery" / name).mkdir(parents=True)
    with make_celery({}, tmp_path).connection_for_write() as connection:
        yield connection.default_channel


def test_what_is_not_written_yet_is_not_in_the_queue(queue: Any, tmp_path: Path) -> None:
    folder = tmp_path / "celery" / "queue"
    message = Watched(folder)
    queue._put(QUEUE, {"body": message})
    assert Channel in type(queue).__mro__
    assert message.seen == []
    (left,) = folder.iterdir()
    assert left.name.endswith(f".{QUEUE}.msg")
    assert queue._get(QUEUE) == {"body": "words"}
    assert list(folder.iterdir()) == []


def test_readers_pass_over_what_is_still_being_written(queue: Any, tmp_path: Path) -> None:
    (tmp_path / "celery" / "queue" / "1_a.part").write_text("{")
    queue._put(QUEUE, {"body": 1})
    queue._put(QUEUE, {"body": 2})
    assert sorted(queue._get(QUEUE)["body"] for _ in range(2)) == [1, 2]


def test_a_queue_that_cannot_be_written_says_so(queue: Any, tmp_path: Path) -> None:
    (tmp_path / "celery" / "queue").rmdir()
    with pytest.raises(ChannelError):
        queue._put(QUEUE, {"body": 1})
