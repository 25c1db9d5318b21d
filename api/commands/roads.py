"""Commands about roads."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from api.commands.given import InputError
from config.settings import Settings, load_settings


def prepare(_options: argparse.Namespace) -> int:
    """Build the installation's graph."""
    graph = _graph(load_settings())
    if graph is not None:
        print(graph)
    return 0


def take_extract(options: argparse.Namespace) -> int:
    """Build a graph from an extract and make it the current one."""
    from network.roads import GraphBuildError, build_graph

    if not options.file.is_file():
        raise InputError(f"{options.file}: no such file")
    settings = load_settings()
    try:
        graph = build_graph(options.file, settings.data_dir / "graphs")
    except GraphBuildError as error:
        raise InputError(f"{options.file}: {error}") from None
    draft = settings.data_dir / "graphs" / "current.draft"
    draft.write_text(f"{graph.directory}\n", encoding="utf-8")
    draft.replace(draft.with_name("current"))
    print(graph.directory)
    return 0


def serve(options: argparse.Namespace) -> int:
    """Run a server in place of this process."""
    from network.roads.server import command

    graph = _graph(load_settings())
    if graph is None:
        raise InputError("no roads: import some with `python -m api roads import FILE.osm.pbf`")
    line = command(graph, options.port)
    line[line.index("--ip") + 1] = options.host
    os.execv(line[0], line)


def _graph(settings: Settings) -> Path | None:
    """Folder of the installation's road graph: the demo region's, or the one imported last."""
    if settings.demo:
        from network.demo import ensure_demo_region

        return ensure_demo_region(settings.data_dir).graph.directory
    current = settings.data_dir / "graphs" / "current"
    return Path(current.read_text(encoding="utf-8").strip()) if current.exists() else None
