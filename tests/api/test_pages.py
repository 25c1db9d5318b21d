from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from config.settings import Settings
from tests.api.world import World

PAGE = "<!doctype html><title>Zhunda</title>" + "<p>准达</p>" * 200


@pytest.fixture
def pages(seeded: Settings, tmp_path: Path) -> Iterator[FlaskClient]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "assets" / "app-1a2b.js").write_text("export {}", encoding="utf-8")
    (tmp_path / "icon.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path.parent / "secret.txt").write_text("secret", encoding="utf-8")
    app = create_app(replace(seeded, web_dist=tmp_path))
    yield app.test_client()
    app.extensions["zhunda.engine"].dispose()


def test_the_page_is_asked_for_anew_each_time_and_may_load_nothing_from_elsewhere(
    pages: FlaskClient,
) -> None:
    with pages.get("/") as answer:
        assert answer.get_data(as_text=True) == PAGE
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_built_files_are_kept_for_good(pages: FlaskClient) -> None:
    with pages.get("/assets/app-1a2b.js") as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_travel_compressed(pages: FlaskClient) -> None:
    with pages.get("/", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data).decode() == PAGE


def test_other_files_of_the_machine_are_out_of_reach(pages: FlaskClient) -> None:
    for path in ("/../secret.txt", "/assets/../../secret.txt", "/assets/..%2f..%2fsecret.txt"):
        with pages.get(path) as answer:
            assert answer.status_code == 404
            assert b"secret" not in answer.data or answer.mimetype == "application/problem+json"
    with pages.get("/icon.svg") as answer:
        assert answer.status_code == 200


def test_without_built_pages_the_answer_says_so(seeded: Settings, tmp_path: Path) -> None:
    app = create_app(replace(seeded, web_dist=tmp_path / "none"))
    answer = app.test_client().get("/")
    assert answer.status_code == 404
    assert "have not been built" in answer.get_json()["detail"]
    app.extensions["zhunda.engine"].dispose()


def test_health_needs_no_sign_in_and_metrics_need_an_admin(
    world: World, admin: FlaskClient
) -> None:
    assert world.client().get("/healthz").get_json() == {"status": "ok"}
    told = admin.get("/metrics").text
    assert 'zhunda_jobs{status="planned"}' in told
    assert "zhunda_request_seconds_bucket" in told
