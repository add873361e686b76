"""The other end of `stream`'s floor: `datagram_reader DATABASE SOCKET COUNT`.

Waits for datagrams; after each one it reads the rows that are new and notes how old they are. Says `ready` when it
listens, and after COUNT rows the milliseconds of each.
"""

import json
import socket
import sys
import time
from contextlib import closing
from pathlib import Path

from quaero_cli.store.engine import connect


def main(database: Path, address: str, count: int) -> None:
    """Read until all rows have come."""
    last = 0
    late: list[float] = []
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with closing(connect(database, readonly=True)) as connection, listener:
        listener.bind(address)
        print("ready", flush=True)
        while len(late) < count:
            listener.recv(1)
            rows = connection.execute("SELECT id, time FROM said WHERE id > ? ORDER BY id", (last,)).fetchall()
            now = time.time_ns() // 1000
            late += [(now - said) / 1000 for _, said in rows]
            last = rows[-1][0] if rows else last
    print(json.dumps({"milliseconds": late}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
