"""An answer to take along: CSV, a workbook with charts, a PDF with a map and a plot."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from reportlab.graphics.charts.barcharts import HorizontalBarChart
from reportlab.graphics.shapes import Circle, Drawing, Rect, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from api.db.models import ScenarioRow
from api.services.scenarios import label

FONT = "STSong-Light"
"""A font that every PDF reader has for Chinese, so that none is carried along."""

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
_WORDS = {
    "en": {
        "all": "all", "before": "today", "after": "with the scenario", "class": "class",
        "district": "district", "share": "arrivals in time", "low": "low", "high": "high",
        "faults": "faults", "target": "target", "hours": "within hours", "outlets": "Outlets",
        "posts": "Posts to fill", "outlet": "outlet", "status": "status", "heads": "heads",
        "heads_before": "heads today", "heads_after": "heads then", "skills": "skills",
        "roster": "roster", "kept": "kept", "new": "new", "closed": "closed",
        "not_chosen": "not chosen", "urgent": "urgent", "normal": "other",
        "summary": "Summary", "per_day": "A day", "cost": "cost a day",
        "utilisation": "working time used", "travel_h": "hours driving", "figure": "figure",
        "stage": "stage", "drive": "minutes from the nearest outlet",
        "map": "Map: demand by the drive from its nearest outlet; squares are outlets, red new",
        "plot": "Urgent arrivals in time by district (%)", "hash": "fingerprint of the question",
        "answer_hash": "fingerprint of the answer", "mode": "mode", "days": "days",
        "replications": "replications", "travel": "travel times", "districts": "Districts",
        "interval": "Intervals are 95 %.",
    },
    "zh": {
        "all": "全部", "before": "现状", "after": "方案实施后", "class": "类别",
        "district": "片区", "share": "按时到达", "low": "下限", "high": "上限",
        "faults": "报修数", "target": "目标", "hours": "时限(小时)", "outlets": "网点",
        "posts": "待招岗位", "outlet": "网点", "status": "状态", "heads": "人数",
        "heads_before": "现有人数", "heads_after": "之后人数", "skills": "技能",
        "roster": "班次", "kept": "保留", "new": "新设", "closed": "关闭",
        "not_chosen": "未选中", "urgent": "紧急", "normal": "其他",
        "summary": "概览", "per_day": "每天", "cost": "每天成本",
        "utilisation": "工时利用率", "travel_h": "行车小时", "figure": "指标",
        "stage": "阶段", "drive": "距最近网点(分钟)",
        "map": "地图：需求点按距最近网点的车程着色；方块为网点，红色为新设",
        "plot": "各片区紧急报修按时到达率(%)", "hash": "问题指纹",
        "answer_hash": "答案指纹", "mode": "模式", "days": "天数",
        "replications": "重复次数", "travel": "行车时间来源", "districts": "片区",
        "interval": "区间为 95 %。",
    },
}  # fmt: skip
LANGUAGES = tuple(_WORDS)


def export(row: ScenarioRow, form: str, language: str) -> bytes:
    """An answered scenario in one of `MEDIA_TYPES`.

    Raises
    ------
    KeyError
        For a form that does not exist.
    """
    return {"csv": _csv, "xlsx": _xlsx, "pdf": _pdf}[form](row, _WORDS[language])


def _shares(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a stage, class and district; district "" is all of them."""
    rows = []
    for stage in ("before", "after"):
        for name, figures in ((answer[stage] or {}).get("classes") or {}).items():
            parts = {"": figures["in_time"], **figures["districts"]}
            rows += [
                {
                    "stage": stage,
                    "class": name,
                    "district": district,
                    "hours": figures["arrival_hours"],
                    "target": figures["target"],
                    **({} if found is None else found),
                }
                for district, found in parts.items()
            ]
    return rows


def _csv(row: ScenarioRow, words: Mapping[str, str]) -> bytes:
    assert row.answer is not None
    out = StringIO()
    # The mark at the front makes spreadsheets read Chinese as UTF-8.
    out.write("\ufeff")
    names = ("stage", "class", "district", "hours", "target", "share", "low", "high", "faults")
    sheet = csv.writer(out)
    sheet.writerow(words[name] for name in names)
    for one in _shares(row.answer):
        sheet.writerow(_safe(value) for value in _cells(one, words))
    return out.getvalue().encode()


def _safe(value: Any) -> Any:
    """A name that a spreadsheet would take for a formula stays a name."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _cells(one: Mapping[str, Any], words: Mapping[str, str]) -> list[Any]:
    return [
        words[one["stage"]],
        words.get(one["class"], one["class"]),
        one["district"] or words["all"],
        one["hours"],
        one["target"],
        one.get("value", ""),
        one.get("low", ""),
        one.get("high", ""),
        one.get("n", ""),
    ]


def _facts(row: ScenarioRow, words: Mapping[str, str]) -> list[tuple[str, Any]]:
    answer = row.answer
    assert answer is not None
    return [
        (words["mode"], answer["mode"]),
        (words["days"], answer["days"]),
        (words["replications"], answer["replications"]),
        (words["travel"], answer["travel"]),
        (words["hash"], row.question_sha256),
        (words["answer_hash"], row.answer_sha256),
    ]


def _work(answer: Mapping[str, Any], words: Mapping[str, str]) -> list[list[Any]]:
    """Utilisation, driving, cost: a row a figure, a column a stage."""
    stages = [stage for stage in ("before", "after") if answer[stage] is not None]
    figures = (("utilisation", 1.0), ("travel_h", 1.0), ("cost_fen", 0.01))
    return [
        [words["figure"], *(words[stage] for stage in stages)],
        *(
            [
                words[name.removesuffix("_fen")],
                *(round(answer[stage]["per_day"][name]["value"] * by, 3) for stage in stages),
            ]
            for name, by in figures
        ),
    ]


def _outlets(answer: Mapping[str, Any], words: Mapping[str, str]) -> list[list[Any]]:
    return [
        [words["outlet"], words["status"], words["heads_before"], words["heads_after"]],
        *(
            [one["name"], words[one["status"]], one["heads_before"], one["heads_after"]]
            for one in answer["outlets"]
            if one["status"] != "not_chosen"
        ),
    ]


def _posts(answer: Mapping[str, Any], words: Mapping[str, str]) -> list[list[Any]]:
    names = {one["id"]: one["name"] for one in answer["outlets"]}
    return [
        [words["outlet"], words["heads"], words["skills"], words["roster"]],
        *(
            [
                names[post["outlet"]],
                post["heads"],
                ", ".join(f"{skill} {level}" for skill, level in post["skills"].items()),
                post["roster"],
            ]
            for post in answer["posts"]
        ),
    ]


def _xlsx(row: ScenarioRow, words: Mapping[str, str]) -> bytes:
    assert row.answer is not None
    answer = row.answer
    out = BytesIO()
    # Text that begins with "=" stays text.
    with xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        bold = book.add_format({"bold": True})
        share = book.add_format({"num_format": "0.0%"})
        summary = book.add_worksheet(words["summary"])
        summary.set_column(0, 0, 28)
        summary.set_column(1, 3, 20)
        summary.write(0, 0, label(row), bold)
        facts = [[name, value] for name, value in _facts(row, words)]
        _write(summary, 1, facts)
        _write(summary, len(facts) + 2, _work(answer, words), bold)
        sheet = book.add_worksheet(words["districts"])
        sheet.set_column(0, 2, 22)
        names = ("stage", "class", "district", "hours", "target", "share", "low", "high", "faults")
        rows = _shares(answer)
        sheet.write_row(0, 0, [words[name] for name in names], bold)
        for number, one in enumerate(rows, start=1):
            for column, value in enumerate(_cells(one, words)):
                sheet.write(number, column, value, share if 4 <= column <= 7 else None)
        for place, name in enumerate(dict.fromkeys(one["class"] for one in rows)):
            chart = book.add_chart({"type": "column"})
            for stage in ("before", "after"):
                own = [
                    number
                    for number, one in enumerate(rows, start=1)
                    if (one["stage"], one["class"]) == (stage, name)
                ]
                if own:
                    first, last = own[0], own[-1]
                    chart.add_series(
                        {
                            "name": words[stage],
                            "categories": [words["districts"], first, 2, last, 2],
                            "values": [words["districts"], first, 5, last, 5],
                        }
                    )
            chart.set_title({"name": f"{words.get(name, name)}: {words['share']}"})
            chart.set_y_axis({"max": 1, "min": 0, "num_format": "0%"})
            chart.set_size({"width": 720, "height": 320})
            sheet.insert_chart(1 + 17 * place, 10, chart)
        for key, table in (("outlets", _outlets(answer, words)), ("posts", _posts(answer, words))):
            extra = book.add_worksheet(words[key])
            extra.set_column(0, 3, 26)
            _write(extra, 0, table, bold)
    return out.getvalue()


def _write(sheet: Any, start: int, rows: Sequence[Sequence[Any]], head: Any = None) -> None:
    for number, cells in enumerate(rows):
        sheet.write_row(start + number, 0, cells, head if number == 0 else None)


def _pdf(row: ScenarioRow, words: Mapping[str, str]) -> bytes:
    assert row.answer is not None
    answer = row.answer
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    body = ParagraphStyle("body", fontName=FONT, fontSize=9, leading=13, wordWrap="CJK")
    title = ParagraphStyle("title", parent=body, fontSize=16, leading=22)
    head = ParagraphStyle("head", parent=body, fontSize=11, leading=16, spaceBefore=8)

    def table(rows: Sequence[Sequence[Any]]) -> Table:
        made = Table(
            [[Paragraph(escape(str(cell)), body) for cell in cells] for cells in rows],
            repeatRows=1,
            hAlign="LEFT",
        )
        made.setStyle(
            TableStyle(
                [
                    ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
                    ("LINEBELOW", (0, 1), (-1, -1), 0.2, colors.lightgrey),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ]
            )
        )
        return made

    shares = [
        [words[k] for k in ("stage", "class", "district", "share", "low", "high", "faults")],
        *(
            [
                words[one["stage"]],
                words.get(one["class"], one["class"]),
                one["district"] or words["all"],
                *(
                    f"{100 * one[key]:.1f} %" if key in one else ""
                    for key in ("value", "low", "high")
                ),
                one.get("n", ""),
            ]
            for one in _shares(answer)
        ),
    ]
    parts: list[Flowable] = [
        Paragraph(escape(label(row)), title),
        *(
            Paragraph(f"{escape(name)}: {escape(str(value))}", body)
            for name, value in _facts(row, words)
        ),
        Paragraph(escape(words["map"]), head),
        _map(answer),
        Paragraph(escape(words["plot"]), head),
        _plot(answer, words),
        Paragraph(escape(words["interval"]), body),
        table(shares),
        Spacer(1, 4 * mm),
        Paragraph(escape(words["per_day"]), head),
        table(_work(answer, words)),
        Paragraph(escape(words["outlets"]), head),
        table(_outlets(answer, words)),
        Paragraph(escape(words["posts"]), head),
        table(_posts(answer, words)),
    ]
    out = BytesIO()
    SimpleDocTemplate(
        out, pagesize=A4, title=label(row), leftMargin=18 * mm, rightMargin=18 * mm,
        topMargin=16 * mm, bottomMargin=16 * mm,
    ).build(parts)  # fmt: skip
    return out.getvalue()


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


_WIDE, _HIGH = 170 * mm, 105 * mm
_NEAR_S, _FAR_S = 300, 1800


def _map(answer: Mapping[str, Any]) -> Drawing:
    """Demand points by the drive from their nearest outlet, outlets as squares."""
    from math import cos, radians, sqrt

    shown = [one for one in answer["outlets"] if one["status"] != "not_chosen"]
    places = [*answer["points"], *shown]
    south, north = min(p["lat"] for p in places), max(p["lat"] for p in places)
    west, east = min(p["lon"] for p in places), max(p["lon"] for p in places)
    narrow = cos(radians((south + north) / 2))
    scale = min(
        (_WIDE - 20) / max(1e-6, (east - west) * narrow), (_HIGH - 20) / max(1e-6, north - south)
    )

    def at(place: Mapping[str, Any]) -> tuple[float, float]:
        return (
            10 + (place["lon"] - west) * narrow * scale,
            10 + (place["lat"] - south) * scale,
        )

    drawing = Drawing(_WIDE, _HIGH)
    drawing.add(Rect(0, 0, _WIDE, _HIGH, fillColor=colors.whitesmoke, strokeColor=colors.lightgrey))
    heaviest = max((point["weight"] for point in answer["points"]), default=1.0) or 1.0
    for point in answer["points"]:
        drive_s = point["drive_after_s"]
        far = 1.0 if drive_s is None else (drive_s - _NEAR_S) / (_FAR_S - _NEAR_S)
        far = min(1.0, max(0.0, far))
        x, y = at(point)
        drawing.add(
            Circle(
                x, y, 1.2 + 4 * sqrt(point["weight"] / heaviest), strokeColor=None,
                fillColor=colors.linearlyInterpolatedColor(
                    colors.HexColor("#2b7a3d"), colors.HexColor("#b3341d"), 0, 1, far
                ),
            )
        )  # fmt: skip
    for one in shown:
        x, y = at(one)
        fill = {"new": colors.red, "kept": colors.black, "closed": colors.white}[one["status"]]
        drawing.add(Rect(x - 4, y - 4, 8, 8, fillColor=fill, strokeColor=colors.black))
        drawing.add(String(x + 6, y - 3, str(one["name"])[:28], fontName=FONT, fontSize=7))
    return drawing


def _plot(answer: Mapping[str, Any], words: Mapping[str, str]) -> Drawing:
    """Bars a district: urgent arrivals in time (or those of the first class), before and after."""
    classes = answer["after"]["classes"]
    name = "urgent" if "urgent" in classes else next(iter(classes))
    districts = list(classes[name]["districts"])
    stages = [stage for stage in ("before", "after") if answer[stage] is not None]
    high = 40 + 14 * len(districts) * len(stages)
    drawing = Drawing(_WIDE, high)
    chart = HorizontalBarChart()
    chart.x, chart.y, chart.width, chart.height = 150, 20, _WIDE - 200, high - 30
    chart.data = [
        [
            100 * (answer[stage]["classes"][name]["districts"].get(one) or {}).get("value", 0.0)
            for one in reversed(districts)
        ]
        for stage in reversed(stages)
    ]
    chart.categoryAxis.categoryNames = [one[:26] for one in reversed(districts)]
    chart.categoryAxis.labels.fontName = chart.valueAxis.labels.fontName = FONT
    chart.categoryAxis.labels.fontSize = chart.valueAxis.labels.fontSize = 7
    chart.valueAxis.valueMin, chart.valueAxis.valueMax = 0, 100
    tones = {"before": colors.HexColor("#a9b2b6"), "after": colors.HexColor("#0b6e69")}
    for number, stage in enumerate(reversed(stages)):
        chart.bars[number].fillColor = tones[stage]
        chart.bars[number].strokeColor = None
    drawing.add(chart)
    for number, stage in enumerate(stages):
        x = 150 + 120 * number
        drawing.add(Rect(x, high - 9, 7, 7, fillColor=tones[stage], strokeColor=None))
        drawing.add(String(x + 10, high - 8, words[stage], fontName=FONT, fontSize=7))
    return drawing
