"""Waking the readers of the activity feed: one listening connection a process, many readers.

A reader that wakes asks the database for what is new; the notification itself carries nothing, so
none can be lost that matters: the next one, or the timeout, brings the same lines.
"""

from __future__ import annotations

import threading
import time

import psycopg
import structlog

from api.db.engine import plain_url
from api.services.ledger import CHANNEL

log = structlog.get_logger("zhunda.feed")
RECONNECT_S = 2.0
LISTEN_S = 1.0
"""How long closing may take."""


class Feed:
    """Tells the readers of this process that there may be something new."""

    def __init__(self, database_url: str) -> None:
        self._url = plain_url(database_url)
        self._condition = threading.Condition()
        self._turn = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    def close(self) -> None:
        """Stop listening; readers wait out their timeouts from then on."""
        self._closed = True
        if self._thread is not None:
            self._thread.join()

    @property
    def turn(self) -> int:
        """Rises with every notification."""
        return self._turn

    def wait(self, turn: int, timeout_s: float) -> int:
        """Return the current turn once it differs from ``turn``, or after ``timeout_s``."""
        self._start()
        with self._condition:
            self._condition.wait_for(lambda: self._turn != turn, timeout_s)
            return self._turn

    def _start(self) -> None:
        with self._condition:
            if not self._closed and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._listen, name="feed", daemon=True)
                self._thread.start()

    def _listen(self) -> None:
        while not self._closed:
            try:
                with psycopg.connect(
                    self._url, autocommit=True, application_name="zhunda-feed"
                ) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._wake()
                    while not self._closed:
                        for _ in connection.notifies(timeout=LISTEN_S):
                            self._wake()
            except psycopg.Error as error:
                log.warning("activity feed lost its connection", error=str(error))
                time.sleep(RECONNECT_S)

    def _wake(self) -> None:
        with self._condition:
            self._turn += 1
            self._condition.notify_all()
