"""The queue on this machine, as a folder: kombu's, but a wake-up is in the queue only when it is written whole.

Kombu opens the file in the queue and fills it afterwards; a worker that is just then looking for work takes it empty,
and ends.
"""

from pathlib import Path
from time import monotonic_ns
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Puts a message beside the queue first; readers look at nothing but what is called after a queue."""

    def _put(self, queue: str, payload: Any, **_options: Any) -> None:  # type: ignore[override]
        words: str = dumps(payload)  # type: ignore[no-untyped-call]
        # Readers take them in the order of their names.
        name = f"{monotonic_ns() // 1_000_000}_{uuid4()}"
        folder = Path(self.data_folder_out)
        part = folder / f"{name}.part"
        try:
            part.write_text(words, encoding="utf-8")
            part.replace(folder / f"{name}.{queue}.msg")
        except OSError as problem:
            raise ChannelError(f"Cannot add {name} to {folder}") from problem


class Transport(filesystem.Transport):
    """Kombu's folder with the channel above."""

    Channel = Channel
