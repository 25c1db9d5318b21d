from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from api.__main__ import main
from api.access import EXPORTING, IMPORTING
from api.db.models import Activity, Consumer, Look, Outlet, Part, Purchase, Technician
from api.services import exports, imports
from api.services.tables_in import LARGEST_FILE
from tests.api.world import World

V1 = "/api/v1"
OUTLETS = "name,address,lat,lon\n{}"


def send(client: FlaskClient, kind: str, table: str | bytes, **query: Any) -> Any:
    data = table.encode() if isinstance(table, str) else table
    return client.post(f"{V1}/imports/{kind}", data=data, query_string=query)


def sheet(*rows: tuple[Any, ...]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet()
    for number, row in enumerate(rows):
        page.write_row(number, 0, row)
    book.close()
    return out.getvalue()


def counts(answer: Any) -> tuple[int, int, int]:
    assert answer.status_code == 200, answer.text
    told = answer.get_json()
    return told["created"], told["updated"], told["unchanged"]


def test_who_may_exchange_what_is_said_of_every_table() -> None:
    assert set(IMPORTING) == set(imports.KINDS)
    assert set(EXPORTING) == set(exports.KINDS)


def test_a_table_is_taken_once_and_a_changed_row_changes_its_thing(
    world: World, planner: FlaskClient
) -> None:
    table = OUTLETS.format("Import A,Street 1,-29.9,-71.2\nImport B,Street 2,-29.8,-71.3\n")
    assert counts(send(planner, "outlets", table)) == (2, 0, 0)
    assert counts(send(planner, "outlets", table)) == (0, 0, 2)
    assert counts(send(planner, "outlets", table.replace("Street 2", "Street 3"))) == (0, 1, 1)
    with world.sessions() as session:
        outlet = session.scalars(select(Outlet).where(Outlet.name == "Import B")).one()
        lines = session.scalars(
            select(Activity.kind).where(Activity.subject_id == outlet.id).order_by(Activity.seq)
        ).all()
    assert outlet.address == "Street 3"
    assert lines == ["outlet_opened", "outlet_changed"]


def test_a_broken_row_in_the_middle_is_one_clear_answer_and_nothing_is_half_done(
    world: World, planner: FlaskClient
) -> None:
    table = OUTLETS.format(
        "Half A,Street 1,-29.9,-71.2\nHalf B,Street 2,ninety,-71.3\nHalf C,Street 3,-29.8,-71.3\n"
    )
    answer = send(planner, "outlets", table)
    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (422, "import_refused")
    assert told["params"]["errors"] == [
        {"row": 3, "column": "lat", "message": "must be a number of degrees, not 'ninety'"}
    ]
    assert "row 3" in told["detail"]
    with world.sessions() as session:
        assert not session.scalars(select(Outlet).where(Outlet.name.like("Half %"))).all()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    world: World, planner: FlaskClient
) -> None:
    with world.sessions() as session:
        before = session.scalar(select(func.count()).select_from(Activity))
    table = OUTLETS.format("Dry A,Street 1,-29.9,-71.2\nDry A,Street 1,-29.9,-71.2\n,x,1,1\n")
    told = send(planner, "outlets", table, dry_run="true").get_json()
    assert (told["rows"], told["created"], told["wrong"]) == (3, 1, 2)
    assert [(one["row"], one["column"]) for one in told["errors"]] == [(3, "name"), (4, "name")]
    with world.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Activity)) == before
        assert not session.scalars(select(Outlet).where(Outlet.name == "Dry A")).all()


@pytest.mark.parametrize("lat", ["-٢٩.9", "−29.9", "1e400", "NaN"])
def test_degrees_are_written_in_plain_digits(planner: FlaskClient, lat: str) -> None:
    table = f"name,address,lat,lon\nFar,Street 1,{lat},-71.2\n".encode()
    told = planner.post("/api/v1/imports/outlets?dry_run=true", data=table).get_json()
    assert [(one["row"], one["column"]) for one in told["errors"]] == [(2, "lat")]


def test_a_price_book_of_a_year_that_nobody_lives_is_refused(admin: FlaskClient) -> None:
    heads = "version,currency,valid_from,code,kind,name,unit_fen\n"
    told = admin.post(
        "/api/v1/imports/price-book?dry_run=true",
        data=f"{heads}far,CNY,9999-12-01,V,visit,Visit,1\n".encode(),
    ).get_json()
    assert [one["column"] for one in told["errors"]] == ["valid_from"]


def test_spreadsheets_and_chinese_encodings_are_read_alike(
    world: World, planner: FlaskClient
) -> None:
    table = "code,name,cost_fen,serialised\nZH-1,压缩机,12300,是\n"
    assert counts(send(planner, "parts", table.encode("gb18030"))) == (1, 0, 0)
    assert counts(send(planner, "parts", table.encode("utf-8-sig"))) == (0, 0, 1)
    assert counts(send(planner, "parts", table.replace(",", ";"))) == (0, 0, 1)
    rows = [("Code", "Name", "cost_fen", "serialised"), ("ZH-1", "压缩机", 12300, True)]
    assert counts(send(planner, "parts", sheet(*rows))) == (0, 0, 1)
    form = {"file": (io.BytesIO(sheet(*rows)), "parts.xlsx")}
    assert counts(planner.post(f"{V1}/imports/parts", data=form)) == (0, 0, 1)
    with world.sessions() as session:
        part = session.get_one(Part, "ZH-1")
    assert (part.name, part.cost_fen, part.serialised) == ("压缩机", 12300, True)


def test_technicians_come_with_skills_and_papers(world: World, planner: FlaskClient) -> None:
    send(planner, "outlets", OUTLETS.format("Skills,Street 1,-29.9,-71.2\n"))
    head = "name,outlet,skills,certificates\n"
    row = "Nora Imported,Skills,aircon:2; fridge,Gas|aircon|2026-01-01|2028-01-01\n"
    assert counts(send(planner, "technicians", head + row)) == (1, 0, 0)
    assert counts(send(planner, "technicians", head + row)) == (0, 0, 1)
    more = row.strip() + "; Gas|aircon|2028-01-02|2030-01-01\n"
    assert counts(send(planner, "technicians", head + more)) == (0, 1, 0)
    with world.sessions() as session:
        one = session.scalars(select(Technician).where(Technician.name == "Nora Imported")).one()
        assert one.skills == {"aircon": 2, "fridge": 1}
        assert len(one.certificates) == 2
    wrong = send(planner, "technicians", head + "X,Nowhere,aircon,\n").get_json()["params"]
    assert wrong["errors"][0]["column"] == "outlet"


def test_customers_and_what_they_bought_are_known_by_number_and_serial(
    world: World, dispatcher: FlaskClient
) -> None:
    people = "name,phone,email\nImported Person,+56 9 8765 4321,\n"
    assert counts(send(dispatcher, "customers", people)) == (1, 0, 0)
    assert counts(send(dispatcher, "customers", people.replace("+56 9 ", "+569"))) == (0, 0, 1)
    things = "phone,product,serial,sold_on,proof\n+56987654321,fridge,SN-IMP-1,2026-03-01,inv 1\n"
    assert counts(send(dispatcher, "products", things)) == (1, 0, 0)
    assert counts(send(dispatcher, "products", things)) == (0, 0, 1)
    unproven = send(dispatcher, "products", things.replace("inv 1", "").replace("IMP-1", "IMP-2"))
    assert unproven.get_json()["params"]["errors"][0]["column"] == "proof"
    with world.sessions() as session:
        thing = session.scalars(select(Purchase).where(Purchase.serial == "SN-IMP-1")).one()
        assert session.get_one(Consumer, thing.consumer_id).name == "Imported Person"
        told = session.scalars(
            select(Activity.data).where(Activity.kind == "customer_recorded")
        ).all()
    assert "Imported" not in json.dumps(told)


def test_a_price_book_is_published_whole_and_never_changed(admin: FlaskClient) -> None:
    head = "version,currency,valid_from,code,kind,name,unit_fen\n"
    book = head + "imp-1,CNY,2031-01-01,V,visit,Visit,3000\nimp-1,CNY,2031-01-01,L,labour,Hour,9\n"
    assert counts(send(admin, "price-book", book)) == (2, 0, 0)
    assert counts(send(admin, "price-book", book)) == (0, 0, 2)
    answer = send(admin, "price-book", book.replace("3000", "3001"))
    assert answer.get_json()["code"] == "import_refused"
    assert "already" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("kind", "table", "status", "code", "words"),
    [
        ("outlets", b"", 422, "table_unreadable", "empty"),
        ("outlets", b"name,address,lat,lon\n", 422, "table_unreadable", "no rows"),
        ("outlets", b"name,address,lat,height\nx,y,1,1\n", 422, "table_unreadable", "'lon'"),
        ("outlets", b"PK\x03\x04 no sheet", 422, "table_unreadable", "not an XLSX"),
        ("outlets", b"\xd0\xcf\x11\xe0old", 422, "table_unreadable", "old .xls"),
        ("outlets", b"\x00\x01\x02\x00", 422, "table_unreadable", ""),
        ("outlets", b'name,address,lat,lon\n"a"b,x,1,1\n', 422, "table_unreadable", "line 2"),
        ("spoons", b"a\nb\n", 404, "not_found", "kinds are"),
    ],
)
def test_a_file_that_is_no_such_table_is_one_clear_error(
    planner: FlaskClient, kind: str, table: bytes, status: int, code: str, words: str
) -> None:
    answer = send(planner, kind, table)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert words in answer.get_json()["detail"]


def test_a_file_of_fifty_megabytes_is_too_large(planner: FlaskClient) -> None:
    assert LARGEST_FILE < 50_000_000
    answer = send(planner, "outlets", b"x" * 50_000_000)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large")


def test_a_table_is_for_the_roles_of_its_kind(planner: FlaskClient, admin: FlaskClient) -> None:
    assert send(planner, "customers", "name,phone\nx,1\n").status_code == 403
    assert planner.get(f"{V1}/exports/bills").status_code == 403
    assert read(admin.get(f"{V1}/exports/bills")) == []


@pytest.mark.parametrize("kind", imports.KINDS)
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_template_is_a_file_that_reads(admin: FlaskClient, kind: str, ending: str) -> None:
    answer = admin.get(f"{V1}/imports/{kind}/template?format={ending}")
    assert f"{kind}.{ending}" in answer.headers["Content-Disposition"]
    told = send(admin, kind, answer.get_data(), dry_run="true").get_json()
    assert told["rows"] == 1
    # The examples of one table may name things of another that are not there.
    assert {one["column"] for one in told["errors"]} <= {"outlet", "phone"}


def read(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_jobs_are_taken_out_masked_for_who_plans_and_clear_for_who_calls_with_a_look(
    world: World, planner: FlaskClient, dispatcher: FlaskClient
) -> None:
    with world.sessions() as session:
        looks = session.scalar(select(func.count()).select_from(Look))
    masked = read(planner.get(f"{V1}/exports/jobs"))
    with world.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Look)) == looks
    clear = read(dispatcher.get(f"{V1}/exports/jobs"))
    with world.sessions() as session:
        look = session.scalars(select(Look).order_by(Look.at.desc()).limit(1)).one()
    assert len(masked) == len(clear) == len(look.subject_ids)
    assert look.route == "GET /api/v1/exports/<string:kind>"
    assert all(row["phone"].startswith("•••") for row in masked)
    assert all(row["phone"].startswith("'+") for row in clear)


@pytest.mark.parametrize("kind", exports.KINDS)
def test_every_table_comes_as_a_spreadsheet_with_its_heading(admin: FlaskClient, kind: str) -> None:
    answer = admin.get(f"{V1}/exports/{kind}?format=xlsx")
    assert answer.status_code in (200, 403)
    if answer.status_code == 200:
        page = CalamineWorkbook.from_filelike(io.BytesIO(answer.get_data())).get_sheet_by_index(0)
        assert tuple(page.to_python()[0]) == exports.KINDS[kind].columns


def test_what_a_spreadsheet_would_run_stays_text_and_comes_back_as_it_was(
    world: World, planner: FlaskClient
) -> None:
    table = 'code,name\nEVIL-1,"=HYPERLINK(""http://x"")"\n'
    assert counts(send(planner, "parts", table)) == (1, 0, 0)
    out = planner.get(f"{V1}/exports/parts")
    row = next(row for row in read(out) if row["code"] == "EVIL-1")
    assert row["name"].startswith("'=")
    created, updated, unchanged = counts(send(planner, "parts", out.get_data()))
    assert (created, updated) == (0, 0)
    assert unchanged > 0


def test_a_period_narrows_and_a_table_without_one_says_so(admin: FlaskClient) -> None:
    assert read(admin.get(f"{V1}/exports/jobs?from=2001-01-01&to=2001-01-02")) == []
    assert read(admin.get(f"{V1}/exports/jobs?from=2001-01-01")) != []
    assert admin.get(f"{V1}/exports/parts?from=2001-01-01").get_json()["code"] == "invalid"
    backwards = admin.get(f"{V1}/exports/jobs?from=2001-01-02&to=2001-01-01")
    assert backwards.get_json()["code"] == "invalid"


def test_a_manager_takes_out_only_the_outlets_own(world: World) -> None:
    from tests.api.ownership import managers_of_a_visit

    visit, owner, colleague = managers_of_a_visit(world)
    with world.sessions() as session:
        number = str(session.get_one(type(visit), visit.id).job.number)
    assert number in {row["number"] for row in read(owner.get(f"{V1}/exports/jobs"))}
    assert number not in {row["number"] for row in read(colleague.get(f"{V1}/exports/jobs"))}


def test_the_command_line_takes_a_table(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("ZHUNDA_SECRET", world.settings.secret)
    file = tmp_path / "outlets.csv"
    file.write_text(OUTLETS.format("From the shell,Street 1,-29.9,-71.2\n"), encoding="utf-8")
    assert main(["import", "outlets", str(file), "--dry-run"]) == 0
    assert "1 created" in capsys.readouterr().out
    assert main(["import", "outlets", str(file)]) == 0
    assert main(["import", "outlets", str(file), "--json"]) == 0
    assert '"unchanged": 1' in capsys.readouterr().out
    file.write_text(OUTLETS.format("Broken,Street 1,x,-71.2\n"), encoding="utf-8")
    assert main(["import", "outlets", str(file)]) == 2
    assert "row 2, lat" in capsys.readouterr().err
    assert main(["import", "spoons", str(file)]) == 2
    assert main(["import", "outlets", str(tmp_path / "none.csv")]) == 2
