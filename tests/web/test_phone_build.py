"""The built phone page: small, complete in its service worker, and of one mind with the server."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from domain.lifecycle import TECHNICIAN_EVENTS, VisitState, allowed_events

WEB = Path(__file__).parents[2] / "web"
DIST = WEB / "dist"
LARGEST_FIRST_SCREEN = 100_000


@pytest.fixture(scope="module")
def shell() -> list[str]:
    """What the service worker keeps."""
    if not (DIST / "phone-worker.js").is_file():
        pytest.fail("the pages are not built; `python3 run.py test` builds them first")
    worker = (DIST / "phone-worker.js").read_text(encoding="utf-8")
    found = re.search(r"PHONE_FILES=(\[[^\]]+\])", worker)
    assert found is not None
    files: list[str] = json.loads(found[1])
    return files


def built(path: str) -> bytes:
    return (DIST / ("phone.html" if path == "/phone" else path.lstrip("/"))).read_bytes()


def test_the_first_screen_is_small(shell: list[str]) -> None:
    sizes = {path: len(gzip.compress(built(path), 5, mtime=0)) for path in shell}
    assert sum(sizes.values()) <= LARGEST_FIRST_SCREEN, sizes
    assert not [path for path in shell if "map" in path.removesuffix(".webmanifest")]


def test_the_worker_keeps_every_file_that_the_page_names(shell: list[str]) -> None:
    named = set(re.findall(r'(?:src|href)="(/[^"]+)"', built("/phone").decode()))
    assert named <= set(shell)
    for path in shell:
        if path.endswith(".js"):
            imported = re.findall(r'(?:from|import)\s*\(?["\']\./([^"\']+)', built(path).decode())
            assert {f"/assets/{name}" for name in imported} <= set(shell), path


def test_the_page_moves_visits_by_the_servers_table() -> None:
    source = (WEB / "src" / "phone" / "moves.ts").read_text(encoding="utf-8")
    table = re.search(r"NEXT: [^=]+= \{(.+?)\};", source, flags=re.DOTALL)
    assert table is not None
    rows = re.findall(r"(\w+): \[([^\]]*)\]", table[1])
    shown = {state: set(re.findall(r"\w+", events)) for state, events in rows}
    wanted = {
        str(state): {str(event) for event in allowed_events(state) & TECHNICIAN_EVENTS}
        for state in VisitState
    }
    assert shown == {state: events for state, events in wanted.items() if events}
