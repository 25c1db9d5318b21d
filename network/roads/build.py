"""From an OSM extract to a routable graph (contraction hierarchies), built once per content."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NewType

from network.roads.locks import exclusive

GraphVersion = NewType("GraphVersion", str)
"""Names a graph: OSRM's version, the profile, and a digest of extract and profile scripts."""

_GRAPH_NAME = "roads.osrm"
_HASH_CHUNK_BYTES = 1 << 20


class GraphBuildError(RuntimeError):
    """The graph could not be built; the message says which step failed and why."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A built graph.

    Parameters
    ----------
    directory
        Where the graph's files lie.
    version
        What it was built from; equal versions answer alike.
    profile
        Mode of travel, ``car`` by default.
    """

    directory: Path
    version: GraphVersion
    profile: str


def osrm_program(name: str) -> Path:
    """Path of one of OSRM's programs (``extract``, ``contract``, ``routed``) in its wheel.

    Raises
    ------
    GraphBuildError
        When the wheel ``osrm-bindings`` is not installed or lacks the program.
    """
    suffix = ".exe" if sys.platform == "win32" else ""
    path = _osrm_package() / "bin" / f"osrm-{name}{suffix}"
    if not path.is_file():
        raise GraphBuildError(f"osrm-bindings: no program osrm-{name} in the wheel")
    return path


def graph_base(directory: Path) -> Path:
    """The base path that OSRM's programs take for the graph in ``directory``."""
    return directory / _GRAPH_NAME


def graph_version(extract: Path, profile: str = "car") -> GraphVersion:
    """Version that a graph of this extract and profile has, without building it.

    Raises
    ------
    FileNotFoundError
        When there is no such extract.
    GraphBuildError
        When OSRM's wheel has no such profile.
    """
    digest = hashlib.sha256()
    with extract.open("rb") as stream:
        while chunk := stream.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    # A profile is its script and the library it calls.
    scripts = [
        _profile_script(profile),
        *sorted((_osrm_package() / "share/profiles/lib").iterdir()),
    ]
    for script in scripts:
        digest.update(script.name.encode() + b"\0" + script.read_bytes())
    release = importlib.metadata.version("osrm-bindings")
    return GraphVersion(f"osrm{release}-{profile}-{digest.hexdigest()[:16]}")


def build_graph(extract: Path, graphs_dir: Path, profile: str = "car") -> Graph:
    """Build the graph of an extract, or find it built already.

    The graph appears under its final name only when complete, and a lock keeps a second process
    from building it again: it waits, then finds the first one's work.

    Parameters
    ----------
    extract
        An ``.osm.pbf`` file.
    graphs_dir
        Folder that holds graphs, one subfolder a version; made if absent.
    profile
        One of the wheel's profiles: ``car``, ``bicycle``, ``foot``.

    Raises
    ------
    FileNotFoundError
        When there is no such extract.
    GraphBuildError
        When a builder fails; the message carries its last words.
    """
    version = graph_version(extract, profile)
    target = graphs_dir / version
    graph = Graph(target, version, profile)
    if target.is_dir():
        return graph
    graphs_dir.mkdir(parents=True, exist_ok=True)
    with exclusive(graphs_dir / f"{version}.lock"):
        if not target.is_dir():
            unfinished = Path(tempfile.mkdtemp(prefix=f"building-{version}-", dir=graphs_dir))
            try:
                _build_into(unfinished, extract, profile, version)
                unfinished.rename(target)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
    return graph


def _build_into(directory: Path, extract: Path, profile: str, version: GraphVersion) -> None:
    base = graph_base(directory)
    _run(
        [
            *(osrm_program("extract"), "--profile", _profile_script(profile)),
            # The version travels in every answer, so that a client knows which graph answered.
            *("--data_version", version, "--output", base.with_suffix(""), extract.resolve()),
        ]
    )
    _run([osrm_program("contract"), base])
    # Only the builders read these; the server neither asks for them nor misses them.
    for suffix in ("ebg", "enw", "turn_penalties_index", "cnbg", "cnbg_to_ebg", "restrictions"):
        base.with_name(f"{base.name}.{suffix}").unlink(missing_ok=True)
    directory.chmod(0o755)
    for path in directory.iterdir():
        path.chmod(0o644)


def _run(argv: Sequence[str | os.PathLike[str]]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines()
        complaints = [line for line in lines if "[error]" in line] or lines[-1:]
        reason = complaints[-1] if complaints else f"exit code {done.returncode}"
        raise GraphBuildError(f"{Path(argv[0]).name} failed on {argv[-1]}: {reason}")


def _osrm_package() -> Path:
    # Looked up without importing: the package's extension module is not needed here.
    spec = importlib.util.find_spec("osrm")
    if spec is None or spec.origin is None:
        raise GraphBuildError("osrm-bindings: the wheel with OSRM's programs is not installed")
    return Path(spec.origin).parent


def _profile_script(profile: str) -> Path:
    script = _osrm_package() / "share" / "profiles" / f"{profile}.lua"
    if not profile.isidentifier() or not script.is_file():
        raise GraphBuildError(f"profile: OSRM's wheel has none called {profile!r}")
    return script
