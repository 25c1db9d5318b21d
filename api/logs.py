"""Logs as events with keys: one JSON object a line on stderr."""

from __future__ import annotations

import logging
import os
import sys

import structlog


def configure() -> None:
    """Set up structlog for this process; level by ``ZHUNDA_LOG_LEVEL``, info when unset."""
    level = logging.getLevelNamesMapping().get(
        os.environ.get("ZHUNDA_LOG_LEVEL", "").upper(), logging.INFO
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
