"""The anchor: what the ledger's head is, told to a place outside the database.

A file to which lines are only ever appended, one JSON object a line, and optionally a URL that is
sent each line. Whoever holds such a line can tell a ledger that was cut or rewritten afterwards.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import structlog

from domain.ledger import canonical

log = structlog.get_logger("zhunda.anchor")
TIMEOUT_S = 10.0


class AnchorUnreadable(ValueError):
    """A line of the anchor file is not one of ours; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where heads are told."""

    path: Path
    url: str = ""

    def tell(self, line: dict[str, Any]) -> None:
        """Append a line and have it on disk before returning; then tell the URL.

        A URL that does not answer is logged and not waited for: the next line says more anyway.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = canonical(line) + b"\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, text)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if self.url:
            try:
                httpx.post(self.url, content=text, timeout=TIMEOUT_S).raise_for_status()
            except httpx.HTTPError as error:
                log.warning("anchor URL not reached", url=self.url, error=str(error))

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every line told so far; none where there is no file yet.

        Raises
        ------
        AnchorUnreadable
            For a line that is not JSON.
        """
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                try:
                    line = json.loads(text)
                except ValueError:
                    raise AnchorUnreadable(f"{self.path}: line {number} is not JSON") from None
                if not isinstance(line, dict):
                    raise AnchorUnreadable(f"{self.path}: line {number} is not an object")
                yield line
