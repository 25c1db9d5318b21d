"""The file of a complaint, ready to hand to the 12315 channel: as JSON, and the same as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Complaint, Visit
from api.services.bills import account_of, newest_bill
from api.services.clock_events import clock_view, clocks_of
from api.services.complaints import complaint_view
from api.services.masking import SHOWN_ON_REQUEST
from api.services.plain import plain
from api.services.quotes import quotes_of
from api.services.warranties import entitlement_of
from domain.fees import fingerprint, reconcile

FORMAT = "zhunda-complaint-file/1"
FONT = "STSong-Light"
"""A font that every PDF reader has for Chinese, so that none is carried along."""


def complaint_file(session: Session, complaint: Complaint, as_of: datetime) -> dict[str, Any]:
    """Everything about the case in one document, with its fingerprint at the end."""
    job = complaint.job
    request = job.request
    judgement, found = entitlement_of(session, job)
    bill = newest_bill(session, job.id)
    document: dict[str, Any] = {
        "format": FORMAT,
        "as_of": as_of,
        "complaint": complaint_view(session, complaint, as_of, SHOWN_ON_REQUEST),
        "consumer": {"name": request.consumer.name, "phone": request.consumer.phone},
        "job": {
            "number": job.number,
            "product": request.product,
            "fault": request.fault,
            "description": request.description,
            "address": request.address,
            "reported_at": job.reported_at,
            "status": job.status,
        },
        "clocks": [clock_view(clock) for clock in clocks_of(session, job, as_of)],
        "visits": [
            {
                "state": visit.state,
                "planned": visit.arrival_at,
                "arrived_at": visit.arrived_at,
                "technician": visit.technician.name,
            }
            for visit in session.scalars(
                select(Visit).where(Visit.job_id == job.id).order_by(Visit.arrival_at)
            )
        ],
        "three_guarantees": {
            "remedies": [str(remedy) for remedy in found.remedies],
            "warranty_until": found.warranty_until,
            "trace": [line.text for line in judgement.trace],
            "unconfirmed": [ruling.key for ruling in judgement.unconfirmed],
        },
        "quotes": [
            {
                "number": quote.number,
                "status": quote.status,
                "total_fen": quote.total_fen,
                "currency": quote.currency,
                "sha256": quote.sha256,
                "lines": quote.document["lines"],
            }
            for quote in quotes_of(session, job.id)
        ],
        "bill": None
        if bill is None
        else {
            "total_fen": bill.total_fen,
            "currency": bill.currency,
            "sha256": bill.sha256,
            "unexplained_fen": reconcile(account_of(session, job.id)).unexplained_fen,
        },
    }
    told = plain(document)
    return {**told, "sha256": fingerprint(told)}


def complaint_pdf(document: dict[str, Any]) -> bytes:
    """The file as a PDF for people: the same facts, the fingerprint on every page."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    buffer = BytesIO()
    complaint = document["complaint"]
    template = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=16 * mm,
        bottomMargin=18 * mm,
        title=f"Complaint {complaint['number']}",
        author="Zhunda",
        invariant=True,
    )

    def foot(canvas: Any, _template: Any) -> None:
        canvas.setFont(FONT, 7)
        canvas.drawString(18 * mm, 10 * mm, f"{FORMAT}  SHA-256 {document['sha256']}")
        canvas.drawRightString(A4[0] - 18 * mm, 10 * mm, str(canvas.getPageNumber()))

    template.build(list(_story(document)), onFirstPage=foot, onLaterPages=foot)
    return buffer.getvalue()


_BODY = ParagraphStyle("body", fontName=FONT, fontSize=9, leading=13, wordWrap="CJK")
_HEAD = ParagraphStyle("head", parent=_BODY, fontSize=12, leading=17, spaceBefore=8)
_TITLE = ParagraphStyle("title", parent=_BODY, fontSize=17, leading=24)


def _story(document: dict[str, Any]) -> Iterator[Flowable]:
    complaint, job = document["complaint"], document["job"]
    yield Paragraph(f"投诉材料 Complaint {complaint['number']}", _TITLE)
    yield _table(
        [
            ("状态 State", complaint["state"]),
            ("收到 Received", complaint["received_at"]),
            ("投诉人 Consumer", f"{document['consumer']['name']}, {document['consumer']['phone']}"),
            ("地址 Address", job["address"]),
            ("事由 Topic", complaint["topic"]),
            ("内容 Text", complaint["text"]),
            ("诉求 Wish", complaint["wish"]),
            ("工单 Job", f"{job['number']}: {job['product']}, {job['fault']} ({job['status']})"),
            ("报修 Reported", job["reported_at"]),
        ]
    )
    yield Paragraph("处理经过 Steps", _HEAD)
    yield _table(
        [(s["at"], f"{s['event']} — {s['actor']}: {s['note']}") for s in complaint["steps"]]
    )
    yield Paragraph("期限 Deadlines", _HEAD)
    yield _table(
        [
            (
                f"{clock['name']}: {deadline['kind']}",
                f"{deadline['due_at']} — {deadline['outcome']}",
            )
            for clock in [*document["clocks"], *complaint["clocks"]]
            for deadline in clock["deadlines"]
        ]
    )
    yield Paragraph("三包 Three guarantees", _HEAD)
    for line in document["three_guarantees"]["trace"] or ["—"]:
        yield Paragraph(escape(line), _BODY)
    yield Paragraph("报价与同意 Quotes and consents", _HEAD)
    yield _table(
        [
            (
                f"{quote['number']}: {quote['status']}",
                f"{quote['total_fen'] / 100:.2f} {quote['currency']} — "
                + "; ".join(f"{line['name']} × {line['quantity']}" for line in quote["lines"]),
            )
            for quote in document["quotes"]
        ]
    )
    if document["bill"]:
        bill = document["bill"]
        yield Paragraph(
            f"账单 Bill: {bill['total_fen'] / 100:.2f} {bill['currency']}, "
            f"unexplained {bill['unexplained_fen']} fen",
            _BODY,
        )
    yield Paragraph("依据 Rules", _HEAD)
    for line in complaint["trace"]:
        doubt = "" if line["status"] == "confirmed" else " [unconfirmed 未经核实]"
        yield Paragraph(escape(line["text"] + doubt), _BODY)


def _table(rows: list[tuple[Any, Any]]) -> Flowable:
    if not rows:
        return Paragraph("—", _BODY)
    cells = [[Paragraph(escape(str(cell)), _BODY) for cell in row] for row in rows]
    table = Table(cells, colWidths=[48 * mm, 126 * mm])
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.lightgrey),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return table
