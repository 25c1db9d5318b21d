"""Graphs are built once per content, completely or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import network.roads.build as build
from network.roads import GraphBuildError, build_graph
from network.roads.build import graph_version
from network.roads.server import is_healthy, running_server

Extract = Callable[[str, int], Path]


def test_a_built_graph_is_served_and_found_again(tiny_extract: Extract, tmp_path: Path) -> None:
    graph = build_graph(tiny_extract("a.osm.pbf", 1), tmp_path / "graphs")
    before = {path: path.stat().st_mtime_ns for path in graph.directory.iterdir()}

    again = build_graph(tiny_extract("b.osm.pbf", 1), tmp_path / "graphs")

    assert again == graph, "the same bytes under another name are the same graph"
    assert {path: path.stat().st_mtime_ns for path in graph.directory.iterdir()} == before
    with running_server(graph.directory) as url:
        assert is_healthy(url)


def test_the_version_follows_extract_and_profile(tiny_extract: Extract) -> None:
    one, two = tiny_extract("one.osm.pbf", 1), tiny_extract("two.osm.pbf", 2)
    versions = {graph_version(one), graph_version(two), graph_version(one, "bicycle")}
    assert len(versions) == 3
    assert graph_version(one) == graph_version(one)


def test_a_failed_build_leaves_nothing_and_names_step_and_file(tmp_path: Path) -> None:
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(b"not an extract")
    with pytest.raises(GraphBuildError, match=r"osrm-extract.*broken\.osm\.pbf"):
        build_graph(broken, tmp_path / "graphs")
    assert [path.suffix for path in (tmp_path / "graphs").iterdir()] == [".lock"]


def test_an_unknown_profile_is_named(tiny_extract: Extract, tmp_path: Path) -> None:
    with pytest.raises(GraphBuildError, match="'hovercraft'"):
        build_graph(tiny_extract("a.osm.pbf", 1), tmp_path, "hovercraft")


def test_a_missing_extract_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        build_graph(tmp_path / "nowhere.osm.pbf", tmp_path)


def test_threads_that_want_the_same_graph_build_it_once(
    tiny_extract: Extract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract, builds = tiny_extract("a.osm.pbf", 1), []
    really_build = build._build_into

    def counted(directory: Path, *rest: object) -> None:
        builds.append(directory)
        really_build(directory, *rest)

    monkeypatch.setattr(build, "_build_into", counted)
    threads = [
        threading.Thread(target=build_graph, args=(extract, tmp_path / "graphs")) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1


def test_processes_that_want_the_same_graph_both_get_it(
    tiny_extract: Extract, tmp_path: Path
) -> None:
    extract = tiny_extract("a.osm.pbf", 1)
    script = (
        "import sys; from pathlib import Path; from network.roads.build import build_graph;"
        "print(build_graph(Path(sys.argv[1]), Path(sys.argv[2])).directory)"
    )
    argv = [sys.executable, "-c", script, str(extract), str(tmp_path / "graphs")]
    environment = os.environ | {"PYTHONPATH": str(Path(build.__file__).parents[2])}
    children = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)
    ]
    answers = {child.communicate()[0].strip() for child in children}
    assert [child.returncode for child in children] == [0, 0]
    assert answers == {str(tmp_path / "graphs" / graph_version(extract))}
    assert sum(path.is_dir() for path in (tmp_path / "graphs").iterdir()) == 1
