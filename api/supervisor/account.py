"""The unprivileged account that PostgreSQL runs under when everything else runs as root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

CANDIDATES = ("zhunda", "postgres", "nobody")


class AccountError(RuntimeError):
    """There is no account to run PostgreSQL under; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def is_current(self) -> bool:
        return self.uid == os.geteuid()

    def own_folder(self, folder: Path) -> Path:
        """Make a folder that only this account can read, and nothing above it."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if not folder.is_dir() or folder.is_symlink():
            raise AccountError(f"{folder}: must be a folder")
        if status.st_uid != self.uid:
            # Only what root itself made is handed over: anything else is somebody's trap or data.
            if status.st_uid != 0 or os.geteuid() != 0:
                raise AccountError(f"{folder}: belongs to user id {status.st_uid}, not {self.name}")
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)
        return folder

    def can_enter(self, folder: Path) -> bool:
        """Whether this account may pass through every folder on the way to (and into) a folder.

        Judged by the permission bits; the permissions of parents are never changed.
        """
        if self.is_current:
            return True
        for part in (folder, *folder.parents):
            if not part.exists():
                continue
            status = part.stat()
            if status.st_uid == self.uid:
                allowed = status.st_mode & 0o100
            elif status.st_gid == self.gid:
                allowed = status.st_mode & 0o010
            else:
                allowed = status.st_mode & 0o001
            if not allowed:
                return False
        return True


def current_user_name() -> str:
    """Return the name of the user this process runs as, or its number when it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def choose_account(name: str = "") -> Account:
    """Return the current user, or for root an unprivileged one.

    Parameters
    ----------
    name
        The account to use when running as root; empty takes the first of ``CANDIDATES`` there is.

    Raises
    ------
    AccountError
        When root finds no such account, or the current user id has no name.
    """
    if os.geteuid() != 0:
        try:
            entry = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise AccountError(
                f"user id {os.geteuid()} has no name, which PostgreSQL needs: "
                "add it to /etc/passwd or set DATABASE_URL"
            ) from None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for candidate in (name,) if name else CANDIDATES:
        try:
            entry = pwd.getpwnam(candidate)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise AccountError(
        f"PostgreSQL may not run as root and there is no user {name or ' or '.join(CANDIDATES)}: "
        "add one, set ZHUNDA_POSTGRES_USER, or set DATABASE_URL"
    )
