"""After the warm-up no question to a desk waits for a compiler."""

from __future__ import annotations

from optimizer.desk import scan
from optimizer.desk.warm import warm_up_desk


def test_every_entry_of_the_desk_is_compiled_by_its_warm_up() -> None:
    warm_up_desk()
    entries = ("scan", "scan_ejections", "perform", "perform_company", "undo")
    assert [name for name in entries if not getattr(scan, name).signatures] == []
