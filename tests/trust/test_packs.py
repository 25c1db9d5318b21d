from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from api import evidence_cli, wiring
from api.db.models import Job, Visit
from api.services.packs import verify
from config.settings import Settings
from domain import signatures


@dataclass(frozen=True)
class Packs:
    settings: Settings
    case: Path
    period: Path


@pytest.fixture(scope="module")
def packs(
    make_database: Callable[..., Settings],
    planned: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Packs:
    folder = tmp_path_factory.mktemp("packs")
    settings = replace(make_database("packs", "planned"), ledger_anchor=folder / "anchor.jsonl")
    now = datetime.now(UTC)
    engine = wiring.engine_of(settings)
    with wiring.sessions_of(engine)() as session:
        number = session.scalars(select(Job.number).join(Visit, Visit.job_id == Job.id)).first()
    engine.dispose()
    case = evidence_cli.export_evidence(settings, folder / "case.zip", now, job=number)
    assert case.jobs == 1
    days = (now.date() - timedelta(days=4), now.date() + timedelta(days=1))
    period = evidence_cli.export_evidence(settings, folder / "period.zip", now, period=days)
    assert period.jobs > 10
    return Packs(settings, case.path, period.path)


def run(pack: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The verifier as it lies in the pack, on its own, with nothing of ours to import."""
    alone = pack.with_suffix(".verify.py")
    with zipfile.ZipFile(pack) as archive:
        alone.write_bytes(archive.read("verify.py"))
    return subprocess.run(
        [sys.executable, "-I", "-S", str(alone), str(pack), *options],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", ["case", "period"])
def test_the_verifier_in_the_pack_accepts_it_with_anchors_public_key_and_secret_key(
    packs: Packs, kind: str, tmp_path: Path
) -> None:
    secret = tmp_path / "ledger.key"
    secret.write_text(packs.settings.ledger_key + "\n")
    public = signatures.public_key(bytes.fromhex(packs.settings.evidence_key)).hex()
    anchors = str(packs.settings.ledger_anchor)
    done = run(
        getattr(packs, kind), "--anchors", anchors, "--public-key", public, "--key", str(secret)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ACCEPTED")


def test_any_zip_program_opens_it_and_it_holds_json_paper_and_the_ledger(packs: Packs) -> None:
    with zipfile.ZipFile(packs.case) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        jobs = json.loads(archive.read("sections/jobs.json"))
        paper = archive.read("evidence.pdf")
        visits = json.loads(archive.read("sections/visit.json"))
    assert len(jobs) == 1
    assert visits[0]["job_id"] == jobs[0]["id"]
    assert paper.startswith(b"%PDF")
    assert {"manifest.json", "signature.json", "verify.py", "ledger/seals.jsonl"} <= names


def test_one_flipped_bit_anywhere_is_refused(packs: Packs) -> None:
    pack = packs.case.read_bytes()
    verify.verify(pack)
    ends = [index for index in range(len(pack) - 4) if pack[index : index + 2] == b"PK"]
    places = {place for end in ends for place in range(end, end + 50) if place < len(pack)}
    signature = pack.rindex(b'{"key"')
    places |= set(range(signature, signature + 600)) | set(range(len(pack) - 60, len(pack)))
    places |= set(random.Random(5).sample(range(len(pack)), 500))
    for place in sorted(place for place in places if place < len(pack)):
        broken = bytearray(pack)
        broken[place] ^= 1 << place % 8
        with pytest.raises((verify.Refused, KeyError, ValueError, TypeError, UnicodeError)):
            verify.check_manifest(verify.members_of(bytes(broken)))
    for broken_pack in (pack + b"\0", b"\0" + pack, pack[:-1], pack[1:]):
        with pytest.raises(verify.Refused):
            verify.verify(broken_pack)


def repacked(pack: bytes, change: Callable[[dict[str, bytes]], None], seed: bytes) -> bytes:
    """What a forger makes who can sign with a key of his own: all hashes right again."""
    from api.services.packs.pack import signature_of

    members = verify.members_of(pack)
    del members["signature.json"]
    manifest = json.loads(members.pop("manifest.json"))
    change(members)
    manifest["files"] = [
        {"name": name, "size": len(content), "sha256": verify.sha256(content).hex()}
        for name, content in members.items()
    ]
    entries = members["ledger/entries.jsonl"].splitlines()
    manifest["ledger"]["entries"] = len(entries)
    members["manifest.json"] = verify.canonical(manifest)
    digest = verify.sha256(members["manifest.json"])
    members["signature.json"] = signature_of(digest, b"not the key", seed)
    return b"".join(verify.archive(members.items()))


def cut_last(members: dict[str, bytes]) -> None:
    rows = members["ledger/entries.jsonl"].splitlines(keepends=True)
    members["ledger/entries.jsonl"] = b"".join(rows[:-1])


def cut_middle(members: dict[str, bytes]) -> None:
    rows = members["ledger/entries.jsonl"].splitlines(keepends=True)
    members["ledger/entries.jsonl"] = b"".join(rows[:1] + rows[2:])


def change_entry(members: dict[str, bytes]) -> None:
    members["ledger/entries.jsonl"] = members["ledger/entries.jsonl"].replace(b"plan", b"plot", 1)


def test_a_forger_without_the_keys_is_found_out(packs: Packs) -> None:
    pack = packs.period.read_bytes()
    own = bytes.fromhex(packs.settings.evidence_key)
    public = signatures.public_key(own).hex()
    untouched = repacked(pack, lambda members: None, bytes(32))
    assert verify.verify(untouched)
    with pytest.raises(verify.Refused, match="another key"):
        verify.verify(untouched, public_key=public)
    with pytest.raises(verify.Refused, match="ledger's key"):
        verify.verify(untouched, key=packs.settings.ledger_key.encode())
    with pytest.raises(verify.Refused, match=r"changed|canonical"):
        verify.verify(repacked(pack, change_entry, own), public_key=public)
    with pytest.raises(verify.Refused, match="missing"):
        verify.verify(repacked(pack, cut_middle, own), public_key=public)


def test_even_the_operator_cannot_leave_out_the_last_entry_of_a_period(packs: Packs) -> None:
    own = bytes.fromhex(packs.settings.evidence_key)
    cut = repacked(packs.period.read_bytes(), cut_last, own)
    with pytest.raises(verify.Refused, match="missing at the end"):
        verify.verify(cut)


def test_seals_that_were_published_otherwise_are_refused(packs: Packs, tmp_path: Path) -> None:
    anchors = tmp_path / "kept.jsonl"
    lines = [json.loads(line) for line in packs.settings.ledger_anchor.read_text().splitlines()]
    for line in lines:
        if line["type"] == "head":
            line["seal_digest"] = "00" * 32
    anchors.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run(packs.case, "--anchors", str(anchors))
    assert done.returncode == 1
    assert "published differently" in done.stdout


def test_the_signature_is_that_of_rfc_8032() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = signatures.public_key(seed)
    assert public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = signatures.sign(seed, b"")
    assert signature.hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065")
    assert signatures.verifies(public, b"", signature)
    assert verify.signed_by(public, b"", signature)
    for wrong in (b"x", b"\0"):
        assert not signatures.verifies(public, wrong, signature)
        assert not verify.signed_by(public, wrong, signature)


def test_bad_use_of_the_verifier_is_exit_status_2(packs: Packs, tmp_path: Path) -> None:
    done = run(packs.case, "--key", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    (tmp_path / "empty.zip").write_bytes(b"")
    with pytest.raises(verify.Refused):
        verify.verify(b"")
