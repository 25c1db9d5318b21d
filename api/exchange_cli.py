"""Tables in, from the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api import wiring
from api.services.imports import take_file
from api.services.regions import local_day, the_region
from config.settings import Settings


def import_file(
    settings: Settings, kind: str, raw: bytes, now: datetime, *, dry_run: bool
) -> dict[str, Any]:
    """Take a table over as nobody in particular, in one transaction; see `take_file`."""
    engine = wiring.engine_of(settings)
    try:
        with wiring.sessions_of(engine).begin() as session:
            today = local_day(now, the_region(session).timezone)
            return take_file(session, kind, raw, None, today, dry_run=dry_run).to_json()
    finally:
        engine.dispose()
