"""A settlement as a sheet: what a funder or buyer of service asks for before it pays."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

import xlsxwriter
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Bill, Consent, Job, Settlement
from api.services.clock_events import arrivals
from domain.clocks import EventKind

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAID = ("record", "label", "day", "amount", "reported", "arrived", "deadline", "bill", "consents")
REFUSED = ("record", "label", "because")


def claim_sheet(session: Session, settlement: Settlement) -> bytes:
    """An XLSX with the sum, the paid records with their proofs, and the refused ones with why."""
    document = settlement.document
    ids = [UUID(line["record"]) for line in document["lines"] if line["record"]]
    jobs = {job.id: job for job in session.scalars(select(Job).where(Job.id.in_(ids)))}
    arrived = arrivals(session, ids)
    bills = {
        bill.job_id: bill
        for bill in session.scalars(select(Bill).where(Bill.job_id.in_(ids)).order_by(Bill.version))
    }
    consents: dict[UUID, list[str]] = {}
    for consent in session.scalars(
        select(Consent).where(Consent.job_id.in_(ids), Consent.agreed).order_by(Consent.at)
    ):
        consents.setdefault(consent.job_id, []).append(consent.shown_sha256)
    out = BytesIO()
    # Text that begins with "=" stays text.
    with xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        bold = book.add_format({"bold": True})
        money = book.add_format({"num_format": "#,##0.00"})
        summary = book.add_worksheet("summary")
        summary.set_column(0, 1, 32)
        rows: list[tuple[str, Any]] = [
            ("contract", document["contract"]),
            ("kind", document["kind"]),
            ("party", document["party"]),
            ("from", document["from"]),
            ("to", document["to"]),
            ("as of", document["as_of"]),
            (f"total {document['currency']}", settlement.total_fen / 100),
            ("records paid", len(ids)),
            ("records refused", len(document["refused"])),
            ("sha256 of the statement", settlement.sha256),
        ]
        for number, (name, value) in enumerate(rows):
            summary.write(number, 0, name, bold)
            summary.write(number, 1, value, money if name.startswith("total") else None)
        paid = book.add_worksheet("paid")
        paid.set_column(0, len(PAID), 22)
        paid.write_row(0, 0, PAID, bold)
        for number, line in enumerate(document["lines"], start=1):
            key = UUID(line["record"]) if line["record"] else None
            job = None if key is None else jobs.get(key)
            arrival = None if key is None else arrived.get(key)
            bill = None if key is None else bills.get(key)
            paid.write_row(number, 0, [line["record"] or "", line["label"], line["day"]])
            paid.write_number(number, 3, line["fen"] / 100, money)
            paid.write_row(
                number,
                4,
                [
                    "" if job is None else job.reported_at.isoformat(),
                    arrival.at.isoformat()
                    if arrival is not None and arrival.kind is EventKind.MET
                    else "",
                    "" if job is None else job.due_at.isoformat(),
                    "" if bill is None else bill.sha256,
                    " ".join(consents.get(key, [])) if key else "",
                ],
            )
        paid.write(len(document["lines"]) + 1, 2, "total", bold)
        paid.write_formula(
            len(document["lines"]) + 1,
            3,
            f"=SUM(D2:D{max(2, len(document['lines']) + 1)})",
            money,
            settlement.total_fen / 100,
        )
        refused = book.add_worksheet("refused")
        refused.set_column(0, len(REFUSED), 30)
        refused.write_row(0, 0, REFUSED, bold)
        for number, row in enumerate(document["refused"], start=1):
            refused.write_row(number, 0, [row["record"], row["label"], ", ".join(row["because"])])
    return out.getvalue()
