"""Telephone numbers: one form (E.164) for all ways to write one."""

from __future__ import annotations

import phonenumbers


def normalised(number: str, country: str) -> str | None:
    """The number in E.164, or None when it is no number that could be dialled.

    Parameters
    ----------
    country
        ISO 3166 code: where a number without its country code is meant.
    """
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
