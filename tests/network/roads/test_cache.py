"""The matrix cache remembers, forgets the least used, and survives damage and company."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from domain.places import Place
from network.roads import cache as cache_module
from network.roads.cache import UNKNOWN, MatrixCache


def points(*numbers: int) -> list[Place]:
    return [Place(lat=0.001 * number, lon=0.002 * number) for number in numbers]


def travel(*numbers: int) -> np.ndarray:
    """A matrix whose cells tell the pair they belong to: 1000 · origin + destination."""
    own = np.array(numbers, dtype=np.int32)
    return 1000 * own[:, None] + own[None, :]


def fill(cache: MatrixCache, *numbers: int) -> None:
    cache.store(points(*numbers), travel(*numbers), travel(*numbers) + 500_000)


def test_what_was_stored_is_found_in_any_order() -> None:
    cache = MatrixCache()
    fill(cache, 1, 2, 3)
    durations_s, distances_m = cache.lookup(points(3, 1))
    np.testing.assert_array_equal(durations_s, travel(3, 1))
    np.testing.assert_array_equal(distances_m, travel(3, 1) + 500_000)


def test_a_new_point_leaves_only_its_row_and_column_unknown() -> None:
    cache = MatrixCache()
    fill(cache, 1, 2, 3)
    durations_s, _ = cache.lookup(points(1, 9, 3))
    unknown = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)
    np.testing.assert_array_equal(durations_s == UNKNOWN, unknown)


def test_unknown_cells_do_not_erase_known_ones() -> None:
    cache = MatrixCache()
    fill(cache, 1, 2)
    nothing = np.full((2, 2), UNKNOWN, dtype=np.int32)
    cache.store(points(1, 2), nothing, nothing)
    np.testing.assert_array_equal(cache.lookup(points(1, 2))[0], travel(1, 2))


def test_answers_are_copies() -> None:
    cache = MatrixCache()
    fill(cache, 1, 2)
    cache.lookup(points(1, 2))[0][:] = 7
    np.testing.assert_array_equal(cache.lookup(points(1, 2))[0], travel(1, 2))


def test_the_cache_grows_past_its_first_size() -> None:
    cache = MatrixCache()
    fill(cache, *range(50))
    fill(cache, *range(40, 200))
    assert len(cache) == 200
    np.testing.assert_array_equal(cache.lookup(points(*range(40, 200)))[0], travel(*range(40, 200)))
    assert cache.lookup(points(0, 199))[0][0, 1] == UNKNOWN


def test_the_points_unused_for_longest_give_way() -> None:
    cache = MatrixCache(max_points=4)
    fill(cache, 1, 2)
    fill(cache, 3, 4)
    cache.lookup(points(1, 2))
    fill(cache, 5)
    assert len(cache) == 4
    np.testing.assert_array_equal(cache.lookup(points(1, 2))[0], travel(1, 2))
    forgotten = [cache.lookup(points(number))[0].item() == UNKNOWN for number in (3, 4)]
    assert sum(forgotten) == 1
    assert cache.lookup(points(5))[0].item() == travel(5).item()


def test_more_points_than_fit_are_not_kept() -> None:
    cache = MatrixCache(max_points=3)
    fill(cache, 1, 2, 3, 4)
    assert len(cache) == 0


def test_a_saved_cache_is_found_by_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "cache.npz"
    cache = MatrixCache(path)
    fill(cache, 1, 2, 3)
    cache.save()
    np.testing.assert_array_equal(MatrixCache(path).lookup(points(2, 3))[0], travel(2, 3))


def test_much_news_is_saved_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_SAVE_CELLS", 10)
    path = tmp_path / "cache.npz"
    cache = MatrixCache(path)
    fill(cache, 1, 2)
    assert not path.exists()
    fill(cache, 1, 2, 3, 4, 5)
    assert path.exists()


def test_two_writers_keep_what_both_know(tmp_path: Path) -> None:
    path = tmp_path / "cache.npz"
    one, two = MatrixCache(path), MatrixCache(path)
    fill(one, 1, 2)
    fill(two, 3, 4)
    one.save()
    two.save()
    both = MatrixCache(path)
    np.testing.assert_array_equal(both.lookup(points(1, 2))[0], travel(1, 2))
    np.testing.assert_array_equal(both.lookup(points(3, 4))[0], travel(3, 4))


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut off", b"\0" * 500])
def test_a_damaged_file_counts_as_empty_and_is_replaced(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "cache.npz"
    path.write_bytes(damage)
    cache = MatrixCache(path)
    assert len(cache) == 0
    fill(cache, 1, 2)
    cache.save()
    np.testing.assert_array_equal(MatrixCache(path).lookup(points(1, 2))[0], travel(1, 2))


def test_a_file_cut_short_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "cache.npz"
    cache = MatrixCache(path)
    fill(cache, 1, 2, 3)
    cache.save()
    path.write_bytes(path.read_bytes()[:-60])
    assert len(MatrixCache(path)) == 0


def test_processes_writing_at_once_never_corrupt_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cache.npz"
    script = (
        "import sys; import numpy as np; from pathlib import Path\n"
        "from domain.places import Place; from network.roads.cache import MatrixCache\n"
        "cache, first = MatrixCache(Path(sys.argv[1])), int(sys.argv[2])\n"
        "for number in range(first, first + 20):\n"
        "    own = np.full((1, 1), number, dtype=np.int32)\n"
        "    cache.store([Place(0.001 * number, 0.002 * number)], own, own)\n"
        "    cache.save()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(cache_module.__file__).parents[2])}
    children = [
        subprocess.Popen([sys.executable, "-c", script, str(path), first], env=environment)
        for first in ("100", "200")
    ]
    sizes = [len(MatrixCache(path))]
    while any(child.poll() is None for child in children):
        sizes.append(len(MatrixCache(path)))
    assert [child.returncode for child in children] == [0, 0]
    assert sizes == sorted(sizes), "a reader never sees less than it saw before"
    final = MatrixCache(path)
    assert len(final) == 40
    assert all(final.lookup(points(n))[0].item() == n for n in [*range(100, 120), *range(200, 220)])


def test_threads_may_share_a_cache(tmp_path: Path) -> None:
    cache = MatrixCache(tmp_path / "cache.npz", max_points=60)
    wrong: list[int] = []

    def work(first: int) -> None:
        for number in range(first, first + 60):
            fill(cache, number, number + 1)
            durations_s, _ = cache.lookup(points(number, number + 1))
            known = durations_s != UNKNOWN
            if (durations_s[known] != travel(number, number + 1)[known]).any():
                wrong.append(number)
        cache.save()

    threads = [threading.Thread(target=work, args=(100 * k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(cache) == 60
