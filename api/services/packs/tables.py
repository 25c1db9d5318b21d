"""Sections by table: whatever row belongs to a job is in the job's pack.

A table that refers to ``job`` is found by its foreign key; nobody has to remember to add it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Column, LargeBinary, Table, select

from api.db.among import among
from api.db.models import (
    Base,
    Certificate,
    Consumer,
    Job,
    JobPurchase,
    Photo,
    Purchase,
    Request,
    Visit,
)
from api.services import photos
from api.services.packs.registry import (
    SECTIONS,
    Attachment,
    Registered,
    Section,
    Source,
    section,
)

LEFT_OUT = frozenset({"consumer_link"})
"""Tables with secrets of the installation and nothing about the case."""

TITLES = {
    "audit_finding": ("Findings of audits", "审核发现"),
    "audit_job": ("Audits that drew the job", "抽样审核"),
    "bill": ("Bills", "账单"),
    "breach_alert": ("Alerts ahead of a breach", "超时预警"),
    "choice": ("Choices shown and made", "选择记录"),
    "clock_event": ("Events of the clocks", "时限事件"),
    "complaint": ("Complaints", "投诉"),
    "complaint_step": ("Steps of complaints", "投诉处理步骤"),
    "consent": ("Consents", "同意"),
    "follow_up": ("Calls back", "回访"),
    "held_event": ("Events that were held", "暂存事件"),
    "incident": ("Incidents of conduct", "行为事件"),
    "job_event": ("Moves of the job", "工单流转"),
    "job_purchase": ("What was bought, by job", "工单对应的购买"),
    "money_entry": ("Money", "收款"),
    "outgoing_message": ("Messages sent", "发出的消息"),
    "part_reservation": ("Parts reserved", "备件预留"),
    "photo": ("Photos", "照片"),
    "plan_change": ("Changes of the running day", "当日计划调整"),
    "quote": ("Quotes", "报价"),
    "receipt": ("Receipts", "受理回执"),
    "repair_stay": ("Days in repair", "在修时间"),
    "stock_move": ("Stock moves", "备件流水"),
    "survey": ("Surveys", "满意度调查"),
    "visit": ("Visits", "上门"),
    "visit_event": ("Events of visits", "上门事件"),
}
"""English and Chinese; a test wants every table of a pack here."""

_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png"}


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | UUID | Decimal):
        return str(value)
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _readable(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if not isinstance(column.type, LargeBinary)]


def rows_of(source: Source, table: Table, column: Column[Any], wanted: Iterable[Any]) -> Section:
    """The rows of a table that belong to something wanted, in order of their keys."""
    found = source.session.execute(
        select(*_readable(table)).where(among(column, wanted)).order_by(*table.primary_key.columns)
    )
    return Section([{name: plain(one) for name, one in row._mapping.items()} for row in found])


@section("jobs", "Jobs", "工单")
def jobs(source: Source) -> Section:
    """The jobs themselves, with the clock and the rule that set it."""
    return rows_of(source, Job.__table__, Job.__table__.c.id, source.job_ids)  # type: ignore[arg-type]


@section("reports", "Reports", "报修")
def reports(source: Source) -> Section:
    """The reports as they came in, and who made them."""
    found = source.session.execute(
        select(*_readable(Request.__table__), Consumer.name, Consumer.phone)  # type: ignore[arg-type]
        .join(Consumer, Consumer.id == Request.consumer_id)
        .join(Job, Job.request_id == Request.id)
        .where(among(Job.__table__.c.id, source.job_ids))
        .order_by(Request.id)
    )
    return Section([{name: plain(one) for name, one in row._mapping.items()} for row in found])


@section("photo", *TITLES["photo"])
def photo(source: Source) -> Section:
    """The photos of the visits, with their files."""
    table = Photo.__table__
    told = rows_of(source, table, table.c.job_id, source.job_ids)  # type: ignore[arg-type]
    files = []
    for row in told.rows:
        path = photos.path_of(source.data_dir, row["sha256"])
        row["file"] = None
        if path.is_file():
            row["file"] = f"photos/{row['id']}.{_EXTENSIONS.get(row['media_type'], 'bin')}"
            files.append(Attachment(row["file"], path))
    return Section(told.rows, files)


@section("purchases", "Purchases", "购买凭证")
def purchases(source: Source) -> Section:
    """What was bought: proof, serial number, warranty."""
    ids = source.session.scalars(
        select(JobPurchase.purchase_id).where(among(JobPurchase.__table__.c.job_id, source.job_ids))
    )
    table = Purchase.__table__
    return rows_of(source, table, table.c.id, set(ids))  # type: ignore[arg-type]


@section("certificates", "Certificates of who came", "上门人员证书")
def certificates(source: Source) -> Section:
    """The papers of the technicians who visited, whether they were valid then or not."""
    numbers = source.session.scalars(
        select(Visit.technician_number).where(among(Visit.__table__.c.job_id, source.job_ids))
    )
    table = Certificate.__table__
    return rows_of(source, table, table.c.technician_number, set(numbers))  # type: ignore[arg-type]


def _of_jobs(column: Column[Any], source: Source) -> Section:
    return rows_of(source, column.table, column, source.job_ids)  # type: ignore[arg-type]


def _of_parents(column: Column[Any], parent: Column[Any], source: Source) -> Section:
    ids = source.session.scalars(
        select(parent.table.c.id).where(among(parent, source.job_ids))
    ).all()
    return rows_of(source, column.table, column, ids)  # type: ignore[arg-type]


def all_sections() -> list[Registered]:
    """Every registered section, then every table that belongs to jobs or to what belongs to them.

    A table is a job's by its first foreign key to ``job``, or, one step further, by one to the id
    of a table that is (the events of a visit, the steps of a complaint).
    """
    found = dict(SECTIONS)
    owners: dict[str, Column[Any]] = {}
    tables = [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]
    for table in tables:
        for column in table.columns:
            if any(key.column.table.name == "job" for key in column.foreign_keys):
                owners.setdefault(table.name, column)
    for table in tables:
        title = TITLES.get(table.name, (table.name.replace("_", " ").capitalize(), ""))
        if table.name in found or table.name == "job":
            continue
        if table.name in owners:
            make = partial(_of_jobs, owners[table.name])
            found[table.name] = Registered(table.name, *title, make)
            continue
        for column in table.columns:
            parents = [key.column for key in column.foreign_keys]
            parent = next((one for one in parents if one.table.name in owners), None)
            if parent is not None and parent.name == "id":
                step = partial(_of_parents, column, owners[parent.table.name])
                found[table.name] = Registered(table.name, *title, step)
                break
    return list(found.values())
