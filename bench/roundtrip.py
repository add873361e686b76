"""The least that telling another process of a stored line can take: commit a row, send a datagram, read the row."""

import socket
import threading
import time
from contextlib import closing

from bench.homes import ending, finish_child, new_home, start_child
from quaero_cli.store.engine import connect, transaction

# Seconds between two rows: each finds both processes at rest, as a single line of a job does.
_PAUSE = 0.01


def round_trips(count: int) -> list[float]:
    """Return the milliseconds from before each of `count` transactions until another process had read its row."""
    pause = threading.Event()
    with new_home() as home, closing(connect(home.folder / "floor.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE said (id INTEGER PRIMARY KEY, time INTEGER NOT NULL)")
        address = str(home.folder / "reader")
        with (
            ending(start_child("datagram_reader", home.folder / "floor.db", address, count)) as reader,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            assert reader.stdout is not None
            reader.stdout.readline()
            for _ in range(count):
                pause.wait(_PAUSE)
                now = time.time_ns() // 1000
                with transaction(connection):
                    connection.execute("INSERT INTO said (time) VALUES (?)", (now,))
                sender.sendto(b"\0", address)
            return [float(late) for late in finish_child(reader)["milliseconds"]]
