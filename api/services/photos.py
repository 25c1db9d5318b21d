"""Photos: one file a content, named by its hash, in the data folder; who took it stands in a row.

Bytes are written and renamed before the row commits: a row never points to nothing. A file without
a row (a crash between the two) does no harm and is found by its hash when the photo comes again.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from PIL import Image, UnidentifiedImageError
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Photo, Visit
from api.services.activity import record
from api.services.identity import Identity
from api.services.policies import policy_on
from api.services.refusals import Refusal

KINDS = ("fault", "result", "evidence", "plate", "signature")
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png"}
LARGEST_PIXELS = 60_000_000
GPS_IFD = 0x8825
EXIF, XMP = b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00"


def path_of(folder: Path, sha256: str) -> Path:
    """Where the bytes with this hash lie."""
    return folder / "photos" / sha256[:2] / sha256[2:4] / sha256


def keep(
    session: Session,
    folder: Path,
    visit_id: UUID,
    photo_id: UUID,
    kind: str,
    taken_at: datetime,
    raw: bytes,
    who: Identity,
    now: datetime,
) -> Photo:
    """Store a photo of a visit, once; the same id and bytes again get the same row.

    Raises
    ------
    Refusal
        ``not_found``, ``forbidden`` for another technician's visit, ``not_a_photo``, ``too_large``,
        ``event_id_reused`` when the id names another photo.
    """
    visit = require_visit(session, visit_id, who)
    sent = hashlib.sha256(raw).hexdigest()
    earlier = session.get(Photo, photo_id)
    if earlier is not None:
        if (earlier.visit_id, earlier.sent_sha256) != (visit_id, sent):
            raise Refusal("event_id_reused", id=str(photo_id))
        return earlier
    policy = policy_on(visit.day)
    if len(raw) > policy.photo_largest_bytes:
        raise too_large(policy.photo_largest_bytes)
    media_type, width, height = look_at(raw)
    stored = without_place(raw, media_type) if policy.photo_place == "remove" else raw
    sha256 = hashlib.sha256(stored).hexdigest()
    write(path_of(folder, sha256), stored)
    photo = Photo(
        id=photo_id,
        visit_id=visit.id,
        job_id=visit.job_id,
        kind=kind,
        sha256=sha256,
        sent_sha256=sent,
        media_type=media_type,
        bytes=len(stored),
        width=width,
        height=height,
        place_removed=stored != raw,
        taken_at=taken_at,
        keep_until=now.date() + timedelta(days=policy.photo_keep_days),
        person_id=who.person_id,
    )
    session.add(photo)
    session.flush()
    record(
        session,
        "photo_kept",
        "visit",
        visit.id,
        actor_id=who.person_id,
        technician_number=visit.technician_number,
        photo_id=str(photo.id),
        of=kind,
        sha256=sha256,
        bytes=len(stored),
    )
    return photo


def require_visit(session: Session, visit_id: UUID, who: Identity) -> Visit:
    """The visit that somebody may send photos of.

    Raises
    ------
    Refusal
        ``not_found``, ``forbidden`` for another technician's visit.
    """
    visit = session.get(Visit, visit_id)
    if visit is None:
        raise Refusal("not_found")
    if who.role == "technician" and visit.technician_number != who.technician_number:
        raise Refusal("forbidden", "the visit is another technician's")
    return visit


def known(session: Session, visit_id: UUID, photo_id: UUID, who: Identity) -> Photo | None:
    """The photo of a visit that is kept already: the answer to its last piece was lost.

    Raises
    ------
    Refusal
        As `require_visit`; ``event_id_reused`` for a photo of another visit.
    """
    require_visit(session, visit_id, who)
    found = session.get(Photo, photo_id)
    if found is not None and found.visit_id != visit_id:
        raise Refusal("event_id_reused", id=str(photo_id))
    return found


def too_large(largest_bytes: int) -> Refusal:
    """The refusal of a photo that is too large, with what is allowed."""
    return Refusal(
        "too_large",
        f"a photo may have up to {largest_bytes // 1_000_000} MB",
        largest_bytes=largest_bytes,
    )


def look_at(raw: bytes) -> tuple[str, int, int]:
    """Media type, width and height of a photo that can be decoded to its last row.

    Raises
    ------
    Refusal
        ``not_a_photo`` for anything else.
    """
    try:
        with Image.open(io.BytesIO(raw), formats=tuple(FORMATS)) as image:
            kind, (width, height) = str(image.format), image.size
            if width * height > LARGEST_PIXELS:
                raise Refusal("not_a_photo", f"more than {LARGEST_PIXELS // 1_000_000} megapixels")
            image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Refusal("not_a_photo", f"send a JPEG or PNG: {str(error)[:100]}") from None
    except Image.DecompressionBombError:
        raise Refusal("not_a_photo", "too many pixels") from None
    return FORMATS[kind], width, height


def without_place(raw: bytes, media_type: str) -> bytes:
    """The photo without the place its camera wrote in; not a pixel is changed.

    A JPEG keeps its other EXIF tags (time, orientation, camera); XMP, which may repeat the place,
    goes as a whole. A PNG loses its ``eXIf`` chunk and its texts.
    """
    return _jpeg(raw) if media_type == "image/jpeg" else _png(raw)


def _jpeg(raw: bytes) -> bytes:
    out, place = bytearray(raw[:2]), 2
    while place + 4 <= len(raw) and raw[place] == 0xFF:
        marker = raw[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == 0xDA:  # the picture itself begins
            break
        (length,) = struct.unpack(">H", raw[place + 2 : place + 4])
        segment = raw[place : place + 2 + length]
        payload = segment[4:]
        if marker == 0xE1 and payload.startswith(EXIF):
            segment = _exif_segment(payload)
        elif marker == 0xE1 and payload.startswith(XMP):
            segment = b""
        out += segment
        place += 2 + length
    return bytes(out) + raw[place:]


def _exif_segment(payload: bytes) -> bytes:
    exif = Image.Exif()
    try:
        exif.load(payload)
        if GPS_IFD not in exif:
            kept = payload
        else:
            exif.get_ifd(GPS_IFD)
            del exif[GPS_IFD]
            kept = EXIF + exif.tobytes().removeprefix(EXIF)
    except (SyntaxError, ValueError, OSError, struct.error):
        return b""  # unreadable: whatever it says goes
    return b"\xff\xe1" + struct.pack(">H", len(kept) + 2) + kept


def _png(raw: bytes) -> bytes:
    out, place = bytearray(raw[:8]), 8
    while place + 8 <= len(raw):
        length, kind = struct.unpack(">I4s", raw[place : place + 8])
        if kind not in (b"eXIf", b"tEXt", b"iTXt", b"zTXt"):
            out += raw[place : place + 12 + length]
        place += 12 + length
    return bytes(out)


def write(path: Path, content: bytes) -> None:
    """Put the bytes under their name, whole or not at all."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read(session: Session, folder: Path, photo_id: UUID, who: Identity) -> tuple[Photo, bytes]:
    """A photo and its bytes, checked against their hash. Technicians see those of their visits.

    Raises
    ------
    Refusal
        ``not_found``; ``forbidden``; ``photo_damaged`` when the bytes are gone or not the same.
    """
    photo = session.get(Photo, photo_id)
    if photo is None:
        raise Refusal("not_found")
    if who.role == "technician":
        number = session.scalar(select(Visit.technician_number).where(Visit.id == photo.visit_id))
        if number != who.technician_number:
            raise Refusal("forbidden", "the photo is of another technician's visit")
    try:
        content = path_of(folder, photo.sha256).read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != photo.sha256:
        raise Refusal("photo_damaged", sha256=photo.sha256)
    return photo, content


def forget(session: Session, folder: Path, today: date) -> Iterator[str]:
    """Delete photos whose time is over; a file goes when no row needs its bytes any more."""
    for photo in session.scalars(select(Photo).where(Photo.keep_until < today)).all():
        session.delete(photo)
        session.flush()
        needed = session.scalar(select(Photo.id).where(Photo.sha256 == photo.sha256).limit(1))
        if needed is None:
            path_of(folder, photo.sha256).unlink(missing_ok=True)
        record(
            session,
            "photo_forgotten",
            "visit",
            photo.visit_id,
            photo_id=str(photo.id),
            sha256=photo.sha256,
        )
        yield photo.sha256
