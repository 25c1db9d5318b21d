import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import run

PROGRAM = Path(run.__file__)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that run.py takes for the project, with a page's source in it."""
    (tmp_path / "web" / "src").mkdir(parents=True)
    (tmp_path / "web" / "package.json").write_text("{}")
    (tmp_path / "web" / "package-lock.json").write_text("{}")
    (tmp_path / "web" / "src" / "main.ts").write_text("export {};")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "WEB", tmp_path / "web")
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    return tmp_path


@pytest.fixture
def npm_log(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a program in npm's place that writes down how it was called."""
    log = project / "npm.log"
    npm = project / "npm"
    npm.write_text(
        f'#!/bin/sh\necho "$@" >> {log}\n'
        'case "$1" in ci) mkdir -p node_modules ;; run) mkdir -p dist ;; esac\n'
    )
    npm.chmod(0o755)
    monkeypatch.setattr(run, "find_npm", lambda: ([npm], dict(os.environ)))
    return log


def test_old_pythons_can_read_it_to_say_what_they_lack() -> None:
    ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_it_needs_the_standard_library_only() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"))
    names = {
        name.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    }
    names |= {
        node.module.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert names <= sys.stdlib_module_names


def test_the_python_it_finds_is_one_that_is_tested() -> None:
    assert run.python_version(run.find_python()) in run.TESTED


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        ("PYENV_ROOT", "versions/3.12.9/bin"),
        ("UV_PYTHON_INSTALL_DIR", "cpython-3.12.9-linux/bin"),
    ],
)
def test_pythons_of_pyenv_and_uv_are_found_where_path_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, place: str
) -> None:
    hidden = tmp_path / place / "python3"
    hidden.parent.mkdir(parents=True)
    hidden.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    hidden.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("HOME", "/nowhere")
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, str(tmp_path) if name == variable else "/nowhere")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert run.find_python() == str(hidden)


def test_without_a_python_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PATH", "HOME", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SystemExit) as stopped:
        run.find_python()
    assert stopped.value.code == 2
    assert "Python 3.12 or newer" in capsys.readouterr().err


def test_pages_are_built_once_and_again_only_when_a_source_changed(
    project: Path, npm_log: Path
) -> None:
    run.ensure_web()
    run.ensure_web()
    assert [line.split()[0] for line in npm_log.read_text().splitlines()] == ["ci", "run"]
    (project / "web" / "src" / "main.ts").write_text("export const changed = 1;")
    run.ensure_web()
    assert [line.split()[0] for line in npm_log.read_text().splitlines()] == ["ci", "run", "run"]


def test_a_changed_lock_file_installs_again(project: Path, npm_log: Path) -> None:
    run.ensure_web()
    (project / "web" / "package-lock.json").write_text('{"lockfileVersion": 3}')
    run.ensure_web()
    calls = [line.split()[0] for line in npm_log.read_text().splitlines()]
    assert calls == ["ci", "run", "ci", "run"]


def test_a_build_that_fails_is_tried_again_the_next_time(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "web" / "node_modules").mkdir()
    monkeypatch.setattr(run, "find_npm", lambda: (["false"], dict(os.environ)))
    for _ in range(2):
        with pytest.raises(SystemExit) as stopped:
            run.ensure_web()
        assert stopped.value.code == 2
    assert "installing what the web pages are built with failed" in capsys.readouterr().err


def test_the_wheels_node_builds_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    npm, environment = run.find_npm()
    done = subprocess.run(
        [*map(str, npm), "--version"], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout.split(".")[0]) >= 10


def test_a_second_preparation_waits_and_says_for_whom(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = run.hold_lock()
    program = f"import run, pathlib; run.ROOT = pathlib.Path({str(project)!r}); run.hold_lock()"
    waiting = subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROGRAM.parent, stderr=subprocess.PIPE, text=True
    )
    assert waiting.stderr is not None
    assert f"process {os.getpid()}" in waiting.stderr.readline()
    held.close()
    assert waiting.wait(30) == 0
    waiting.stderr.close()


def test_a_bad_option_is_refused_before_anything_is_installed() -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--port", "many"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert "installing" not in done.stderr


def test_locked_packages_name_no_host_to_fetch_them_from() -> None:
    lock = json.loads((PROGRAM.parent / "web" / "package-lock.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or "integrity" in package, name
