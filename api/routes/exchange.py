"""Tables in and out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import quote

from flask import Response, request

from api.access import EXPORTING, IMPORTING, V1
from api.parsing import Blueprint
from api.schemas.exchange import ExportQuery, ImportQuery, ImportSchema, TemplateQuery
from api.services import exports, imports
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from api.services.tables_in import LARGEST_FILE
from api.services.tables_out import FORMATS
from api.services.visits import utc_now
from api.unit_of_work import database, identity

blueprint = Blueprint("exchange", __name__, url_prefix=V1, description="Tables in and out")
IMPORT_ENDPOINT = "exchange.take_table"
CHUNK = 64 * 1024
ENVELOPE = 4096
"""Bytes that a form puts around its file."""


def let_tables_be_larger() -> None:
    """A table may be larger than JSON; before anything reads the body."""
    if request.endpoint == IMPORT_ENDPOINT:
        request.max_content_length = LARGEST_FILE + ENVELOPE


@blueprint.route("/imports/<string:kind>", methods=["POST"])
@blueprint.arguments(ImportQuery, location="query")
@blueprint.response(200, ImportSchema)
def take_table(query: dict[str, Any], kind: str) -> dict[str, Any]:
    """Take a CSV or XLSX file over, all or nothing; with `dry_run`, only say what it would do.

    The file is the body, or the field `file` of a form.
    """
    imports.kind_named(kind)
    _check_role(IMPORTING[kind])
    session = database()
    today = local_day(utc_now(), the_region(session).timezone)
    return imports.take_file(
        session, kind, _file(), identity().person_id, today, dry_run=query["dry_run"]
    ).to_json()


def _file() -> bytes:
    if request.mimetype != "multipart/form-data":
        return request.get_data()
    files = list(request.files.items(multi=True))
    if len(files) != 1:
        raise Refusal("table_unreadable", f"send one file, not {len(files)}")
    return files[0][1].read()


@blueprint.route("/imports/<string:kind>/template", methods=["GET"])
@blueprint.arguments(TemplateQuery, location="query")
def template(query: dict[str, Any], kind: str) -> Response:
    """An empty table of a kind with one row as an example."""
    found = imports.kind_named(kind)
    _check_role(IMPORTING[kind])
    return _table(kind, query["format"], found.columns, [found.example])


@blueprint.route("/exports/<string:kind>", methods=["GET"])
@blueprint.arguments(ExportQuery, location="query")
def take_out(query: dict[str, Any], kind: str) -> Response:
    """A table of what the role reaches, personal data as it may see it; looks are kept."""
    found = exports.kind_named(kind)
    _check_role(EXPORTING[kind])
    rows = exports.rows_of(database(), found, identity(), query.get("first"), query.get("last"))
    return _table(kind, query["format"], found.columns, rows)


def _check_role(allowed: frozenset[str]) -> None:
    role = identity().role
    if role not in allowed:
        raise Refusal("forbidden", role=role)


def _table(name: str, ending: str, columns: Any, rows: Any) -> Response:
    """The file, written before the answer begins: an error is an error, a look is on record."""
    media_type, write = FORMATS[ending]
    made = write(columns, rows)
    answer = Response(_chunks(made), mimetype=media_type)
    answer.call_on_close(made.close)
    answer.headers["Content-Disposition"] = f'attachment; filename="{quote(name)}.{ending}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _chunks(made: IO[bytes]) -> Iterator[bytes]:
    with made:
        while chunk := made.read(CHUNK):
            yield chunk
