"""For those who run it: health and metrics."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import structlog
from flask import Blueprint, Flask, Response, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.unit_of_work import database

blueprint = Blueprint("operations", __name__)
log = structlog.get_logger("zhunda.access")

SECONDS = Histogram(
    "zhunda_request_seconds",
    "Time from the arrival of a request to its answer",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ANSWERS = Counter("zhunda_answers", "Answers by status", ["method", "route", "status"])


@blueprint.route("/healthz", methods=["GET"])
def health() -> Response:
    """Whether the database answers."""
    try:
        database().execute(text("SELECT 1"))
    except SQLAlchemyError:
        response = jsonify(status="database out of reach")
        response.status_code = 503
        return response
    return jsonify(status="ok")


@blueprint.route("/metrics", methods=["GET"])
def metrics() -> Response:
    """Figures for Prometheus: requests of all processes, jobs and runs as they stand."""
    figures = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(figures)  # type: ignore[no-untyped-call]
        told = generate_latest(figures)
    else:
        told = generate_latest()
    standing = CollectorRegistry()
    standing.register(_Standing())
    return Response(told + generate_latest(standing), content_type=CONTENT_TYPE_LATEST)


class _Standing:
    """What the database says now. Not kept as gauges: every process would keep its own."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, meaning, query in (
            ("zhunda_jobs", "Jobs by status", "SELECT status, count(*) FROM job GROUP BY 1"),
            (
                "zhunda_plan_runs",
                "Runs by status",
                "SELECT status, count(*) FROM plan_run GROUP BY 1",
            ),
        ):
            family = GaugeMetricFamily(name, meaning, labels=["status"])
            for status, count in database().execute(text(query)):
                family.add_metric([status], count)
            yield family


def _start_clock() -> None:
    g.started_s = time.perf_counter()


def _observe(response: Response) -> Response:
    started_s = g.pop("started_s", None)
    if started_s is not None:
        route = request.url_rule.rule if request.url_rule else "none"
        spent_s = time.perf_counter() - started_s
        SECONDS.labels(request.method, route).observe(spent_s)
        ANSWERS.labels(request.method, route, str(response.status_code)).inc()
        log.info(
            "answered",
            method=request.method,
            path=_told_path(route),
            status=response.status_code,
            ms=round(spent_s * 1000, 1),
        )
    return response


def _told_path(route: str) -> str:
    """The path as the log tells it: where it holds a secret, the rule stands for it."""
    return route if "secret" in route else request.path


def register(app: Flask) -> None:
    """Measure every request of this application."""
    app.before_request(_start_clock)
    app.after_request(_observe)
    app.register_blueprint(blueprint)
