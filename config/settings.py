"""Typed settings: ``default.toml``, then the operator's file, then the environment."""

from __future__ import annotations

import json
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = ROOT / "config" / "default.toml"
PREFIX = "ZHUNDA_"
# Names that other tools use for the same thing, so that a hosting platform's variables fit.
FOREIGN_NAMES = {"database_url": "DATABASE_URL", "osrm_url": "OSRM_URL"}
RUNNING_SERVICES = Path("run") / "services.json"

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


class SettingsError(ValueError):
    """A setting is unknown or its value does not fit; the message names the key and its source."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one installation is told; ``config/default.toml`` explains every key.

    Attributes
    ----------
    data_dir
        Absolute folder of the database, road graphs and logs.
    database_url, osrm_url
        libpq URL and HTTP URL; ``""`` means that nothing is configured and nothing runs yet.
    demo
        Whether the demo region, its jobs and its personas are there.
    postgres_user
        Account of an own PostgreSQL when started as root; ``""`` chooses one.
    secret
        Key that signs cookies, at least 32 characters.
    ledger_key
        Key of the ledger's chain, at least 32 characters; never in the database.
    evidence_key
        Secret of the published key that signs evidence packs: 64 hexadecimal digits.
    ledger_anchor, ledger_anchor_url
        File outside the database to which the ledger's head is appended, and a URL that is told.
    web_host, web_port, web_workers, web_threads, web_dist
        Address, processes, threads a process and the folder of the built pages.
    plan_engine, plan_seconds, plan_threads
        Engine name or ``auto``, thinking time in seconds, threads.
    smtp_url, mail_from
        Where mail to consumers goes out, and the address it comes from; ``""``: as files.
    webhook_private_targets
        Whether webhooks may call addresses in private networks and on this machine.
    """

    data_dir: Path
    database_url: str
    osrm_url: str
    demo: bool
    postgres_user: str
    secret: str
    ledger_key: str
    evidence_key: str
    ledger_anchor: Path
    ledger_anchor_url: str
    web_host: str
    web_port: int
    web_workers: int
    web_threads: int
    web_dist: Path
    plan_engine: str
    plan_seconds: int
    plan_threads: int
    smtp_url: str
    mail_from: str
    webhook_private_targets: bool

    @property
    def sqlalchemy_url(self) -> str:
        """``database_url`` with the driver named, as SQLAlchemy wants it."""
        _, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if rest else ""

    def environment(self) -> dict[str, str]:
        """Return the variables that give another process these very settings."""
        found = {}
        for field in fields(self):
            value = getattr(self, field.name)
            text = str(int(value)) if isinstance(value, bool) else str(value)
            found[FOREIGN_NAMES.get(field.name, PREFIX + field.name.upper())] = text
        return found


def load_settings(
    environ: Mapping[str, str] | None = None, *, use_running_services: bool = True
) -> Settings:
    """Read the settings of this installation.

    Parameters
    ----------
    environ
        Environment variables; the process's own when left out.
    use_running_services
        Where no database or OSRM is configured, take the addresses that a running supervisor
        of the same data folder has written down.

    Raises
    ------
    SettingsError
        When a key is unknown or a value does not fit its type or range.
    """
    environ = os.environ if environ is None else environ
    values = _read_toml(DEFAULTS)
    own = environ.get(PREFIX + "CONFIG", "")
    if own:
        values |= _read_toml(Path(own))
    for field in fields(Settings):
        for name in (PREFIX + field.name.upper(), FOREIGN_NAMES.get(field.name, "")):
            # An empty variable is how a compose file says "not set".
            if name and environ.get(name):
                values[field.name] = _from_text(str(field.type), environ[name], name)
    data_dir = _absolute(values["data_dir"])
    values["data_dir"] = data_dir
    values["web_dist"] = _absolute(values["web_dist"])
    if use_running_services:
        running = read_running_services(data_dir)
        for key in ("database_url", "osrm_url"):
            values[key] = values[key] or running.get(key, "")
    values["secret"] = values["secret"] or _kept_secret(data_dir, "secret")
    values["ledger_key"] = values["ledger_key"] or _kept_secret(data_dir, "ledger.key")
    values["evidence_key"] = values["evidence_key"] or _kept_secret(data_dir, "evidence.key")
    values["ledger_anchor"] = _absolute(
        values["ledger_anchor"] or str(data_dir / "anchors" / "ledger.jsonl")
    )
    settings = Settings(**values)
    _check(settings)
    return settings


def read_running_services(data_dir: Path) -> dict[str, str]:
    """Return the addresses a supervisor of this data folder wrote down; empty when none runs."""
    try:
        return dict(json.loads((data_dir / RUNNING_SERVICES).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    types = {field.name: str(field.type) for field in fields(Settings)}
    for key, value in values.items():
        if key not in types:
            raise SettingsError(f"{path}: {key}: no such setting")
        expected = {"int": int, "bool": bool}.get(types[key], str)
        if type(value) is not expected:
            raise SettingsError(f"{path}: {key}: must be {expected.__name__}, is {value!r}")
    return values


def _from_text(type_name: str, text: str, variable: str) -> Any:
    if type_name == "int":
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{variable}: must be a whole number, is {text!r}") from None
    if type_name == "bool":
        if text.lower() not in _TRUE | _FALSE:
            raise SettingsError(f"{variable}: must be true or false, is {text!r}")
        return text.lower() in _TRUE
    return text


def _absolute(path: str) -> Path:
    return (ROOT / Path(path).expanduser()).resolve()


def _kept_secret(data_dir: Path, name: str) -> str:
    path = data_dir / name
    data_dir.mkdir(parents=True, exist_ok=True)
    # Written beside and linked into place: a process that loses the race reads the winner's.
    draft = data_dir / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32), encoding="utf-8")
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8").strip()


def _check(settings: Settings) -> None:
    ranges = {
        "web_port": (1, 65535),
        "web_workers": (1, 64),
        "web_threads": (1, 512),
        "plan_seconds": (1, 3600),
        "plan_threads": (1, 256),
    }
    for key, (low, high) in ranges.items():
        if not low <= getattr(settings, key) <= high:
            raise SettingsError(f"{key}: must be {low}..{high}, is {getattr(settings, key)}")
    if settings.plan_engine not in ("auto", "search", "ortools"):
        raise SettingsError(f"plan_engine: no engine {settings.plan_engine!r}")
    if len(settings.secret) < 32:
        raise SettingsError("secret: must have at least 32 characters")
    if len(settings.ledger_key) < 32:
        raise SettingsError("ledger_key: must have at least 32 characters")
    if re.fullmatch("[0-9a-f]{64}", settings.evidence_key) is None:
        raise SettingsError("evidence_key: must be 64 hexadecimal digits in lower case")
    anchor_url = settings.ledger_anchor_url
    if anchor_url and not anchor_url.startswith(("http://", "https://")):
        raise SettingsError("ledger_anchor_url: must start with https:// or http://")
    url = settings.database_url
    if url and not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise SettingsError("database_url: must start with postgresql://")
