"""The house is in order: tools pass, documents point to what there is, no file names a machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LARGEST_FILE_LINES = 500
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
# In two halves, so that this file does not name them either.
REGISTRIES = ["py" + "pi.org", "files.python" + "hosted", "npm" + "js.org", "npm" + "mirror"]
REGISTRIES += ["yarn" + "pkg.com", "conda.ana" + "conda.org", "crates" + ".io", "docker" + ".io"]
MACHINES = re.compile(r"(?<![\w.])/(?:work|root|home|Users|opt|mnt)/[\w.-]+")
PLACES_THAT_ARE_MEANT = ("/home/you/",)


@cache
def kept_files() -> tuple[Path, ...]:
    """What the repository keeps, new files included; every file where there is no git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this folder is no git repository")
    paths = (ROOT / os.fsdecode(name) for name in listed.split(b"\0") if name)
    return tuple(path for path in paths if path.is_file())


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--quiet", "."],
        ["ruff", "format", "--check", "--quiet", "."],
        ["mypy"],
        ["lint-imports", "--no-logo"],
    ],
    ids=lambda command: " ".join(command),
)
def test_the_tools_have_nothing_to_say(command: list[str]) -> None:
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [str(program), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_the_host_of_a_package_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in kept_files()
        for host in REGISTRIES
        if host in text_of(path)
    ]
    assert found == []


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {hit}"
        for path in kept_files()
        if path != Path(__file__)
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        for hit in MACHINES.findall(line)
        if not hit.startswith(PLACES_THAT_ARE_MEANT)
    ]
    assert found == []


def test_no_program_file_is_longer_than_one_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in kept_files()
        if path.suffix in (".py", ".ts", ".svelte")
        and (lines := len(text_of(path).splitlines())) > LARGEST_FILE_LINES
    }
    assert long == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = text_of(page)
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            lost.append(target)
    assert lost == []


def anchors(page: Path) -> set[str]:
    """The anchors that a reader of Markdown makes of a page's headings."""
    titles = re.findall(r"^#+\s+(.+)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_page_is_named_in_the_index() -> None:
    index = text_of(ROOT / "docs" / "README.md")
    missing = [
        str(page.relative_to(ROOT / "docs"))
        for page in (ROOT / "docs").rglob("*.md")
        if page.name != "README.md" and f"({page.relative_to(ROOT / 'docs')})" not in index
    ]
    assert missing == []


def commands_of(page: Path) -> list[str]:
    """Lines in code blocks that call Python on something of ours."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text_of(page), flags=re.MULTILINE | re.DOTALL)
    lines = (line.split("#")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if re.search(r"\bpython3? (run\.py|-m \w+)", line)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_are_there(page: Path) -> None:
    for line in commands_of(page):
        module = re.search(r"-m (\w+)(?: ([a-z][\w-]*))?", line)
        if "run.py" in line or module is None:
            known = {"--once", "--json", "--port", "--data", "test"}
            options = set(re.findall(r"run\.py (\S+)|(--\w+)", line.partition("run.py test")[0]))
            assert {a or b for a, b in options} <= known, line
            continue
        name, command = module.groups()
        assert (ROOT / name / "__main__.py").is_file() or name in ("pip", "pytest"), line
        if command and name in ("api", "optimizer", "network", "bench"):
            assert command in commands_known(name), line


@cache
def commands_known(module: str) -> str:
    """What ``--help`` of one of our command lines says."""
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
