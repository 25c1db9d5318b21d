"""What is given on the command line, and what is wrong with it."""

from __future__ import annotations

import argparse
from datetime import date
from uuid import UUID

from config.settings import Settings, SettingsError, load_settings

BAD_INPUT = 2


class InputError(Exception):
    """An argument does not fit; the message names it."""


def day(text: str) -> date:
    """A date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-11-24") from None


def audit_id(text: str) -> UUID:
    """The id of an audit."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of an audit") from None


def with_database() -> Settings:
    """The settings, with a database.

    Raises
    ------
    SettingsError
        When there is none.
    """
    settings = load_settings()
    if not settings.database_url:
        raise SettingsError(
            "database_url: set DATABASE_URL, or start `python3 run.py` on this data folder"
        )
    return settings
