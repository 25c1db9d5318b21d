"""What the commands of ``python -m network`` share: one line for bad input, whole files."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any


class Refused(Exception):
    """Bad input; the message is the one line for stderr."""


class Line(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> Any:
        raise Refused(message)


def write_whole(path: Path, text: str) -> None:
    """Write all or nothing."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise Refused(f"--out {path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(name, 0o644)  # noqa: PTH101  # mkstemp makes it private
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise Refused(f"--out {path}: {error.strerror}") from None


def need_folder(path: Path | None) -> None:
    """Refuse an ``--out`` that could not be written, before hours are spent on it."""
    if path is not None and not path.parent.is_dir():
        raise Refused(f"--out {path}: no such folder")
    if path is not None and path.is_dir():
        raise Refused(f"--out {path}: is a folder")


def count(text: str) -> int:
    """A whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return value


def whole(text: str) -> int:
    """A whole number of at least 0."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 0")
    return value
