"""Finds a Chromium for the tests that drive one, or gets it where that may be done unasked.

``python tests/web/browser.py`` prints its path; nothing, and the reason on standard error, when
there is none. ``run.py test`` and ``.ci/run`` call it before pytest starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VARIABLE = "ZHUNDA_TEST_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LEFT_OUT = "no Chromium found, and none could be installed"


def find() -> str:
    """Return the path of a browser: the one named, the system's, or Playwright's own; or ``""``."""
    named = os.environ.get(VARIABLE, "")
    if named and Path(named).is_file():
        return named
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return playwrights_own()


def playwrights_own() -> str:
    """Return the path of the browser that ``playwright install`` has put down; or ``""``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else ""


def get() -> str:
    """Install a browser: with apt-get as root, otherwise Playwright's download for this user."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing chromium with apt-get for the page tests …")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        if run(["apt-get", "update", "-qq"], environment) and run(install, environment):
            return find()
    say("fetching Playwright's Chromium for the page tests …")
    if run([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ)):
        return find()
    return ""


def run(command: list[str], environment: dict[str, str]) -> bool:
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=2, timeout=300, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    path = find() or get()
    if path:
        print(path)
    else:
        say(f"page tests are left out: {LEFT_OUT}")
