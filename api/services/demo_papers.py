"""The demo firm's texts and prices: a quote can be made, and a link has something to show."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import LegalText, PriceBook
from api.services.papers import publish_prices, publish_text

PAPERS = Path(__file__).resolve().parents[2] / "config" / "papers" / "demo.toml"


def publish(session: Session, today: date) -> None:
    """Publish what is not there yet; a text that somebody has changed since stays."""
    papers = tomllib.loads(PAPERS.read_text(encoding="utf-8"))
    if session.scalar(select(LegalText.id).limit(1)) is None:
        for key, bodies in papers["texts"].items():
            for language, body in bodies.items():
                publish_text(session, key, language, body, None)
    if session.scalar(select(PriceBook.id).limit(1)) is None:
        first = today.replace(month=1, day=1)
        publish_prices(session, "demo-1", "CNY", first, papers["prices"], None)
