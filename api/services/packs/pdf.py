"""The paper of a pack: what is in it, for people; Chinese and English on one page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from api.services.packs.registry import Section

FONT = "STSong-Light"
ROWS_SHOWN = 60
"""Rows of a section on paper; all of them are in its JSON."""

LONGEST_VALUE = 300
NAME = "#5c6670"


@cache
def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont

    # One of the fonts that every PDF reader brings for Chinese: nothing to embed, nothing to ship.
    registerFont(UnicodeCIDFont(FONT))
    body = ParagraphStyle("body", fontName=FONT, fontSize=9, leading=13, wordWrap="CJK")
    return {
        "body": body,
        "title": ParagraphStyle("title", parent=body, fontSize=18, leading=26, spaceAfter=8),
        "section": ParagraphStyle("section", parent=body, fontSize=13, leading=20, spaceBefore=10),
        "row": ParagraphStyle("row", parent=body, spaceBefore=4),
    }


def paper(
    scope: dict[str, Any],
    sections: Sequence[tuple[str, str, str, Section]],
    head: dict[str, Any] | None,
    now: datetime,
) -> bytes:
    """The PDF: scope, the ledger's head, and each section's rows."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    style = _styles()
    story: list[Any] = [
        Paragraph("Evidence 证据包", style["title"]),
        Paragraph(_line(scope), style["body"]),
        Paragraph(f"made 制作: {now.astimezone(UTC).isoformat()}", style["body"]),
        Paragraph(f"ledger 台账: {_line(head or {})}", style["body"]),
        Paragraph(
            "Check offline 离线校验: python3 verify.py PACK.zip --anchors FILE", style["body"]
        ),
    ]
    present = [one for one in sections if one[3].rows]
    if present:
        story.append(_contents(present))
    for key, english, chinese, section in present:
        title = f"{english} {chinese} ({len(section.rows)})"
        story.append(Paragraph(escape(title), style["section"]))
        story.extend(Paragraph(_line(row), style["row"]) for row in section.rows[:ROWS_SHOWN])
        if len(section.rows) > ROWS_SHOWN:
            more = f"… {len(section.rows) - ROWS_SHOWN} more in 更多见 sections/{key}.json"
            story.append(Paragraph(more, style["row"]))
    buffer = io.BytesIO()
    digest = str((head or {}).get("digest", ""))

    def foot(canvas: Any, document: Any) -> None:
        canvas.setFont(FONT, 8)
        canvas.drawString(72, 36, f"seal 封印 {digest}")
        canvas.drawRightString(A4[0] - 72, 36, f"{document.page}")

    template = SimpleDocTemplate(buffer, pagesize=A4, title="Evidence", invariant=1)
    template.build(story, onFirstPage=foot, onLaterPages=foot)
    return buffer.getvalue()


def _contents(sections: Sequence[tuple[str, str, str, Section]]) -> Any:
    """What the pack holds, section by section: the number of rows, and the file they are in."""
    from reportlab.lib import colors
    from reportlab.platypus import Table

    rows = [["section 部分", "rows 行数", "file 文件"]]
    rows += [
        [f"{english} {chinese}", str(len(section.rows)), f"sections/{key}.json"]
        for key, english, chinese, section in sections
    ]
    style = [
        ("FONT", (0, 0), (-1, -1), FONT, 9),
        ("ALIGN", (1, 0), (1, -1), "RIGHT"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ]
    return Table(rows, style=style, hAlign="LEFT", spaceBefore=10, repeatRows=1)


def _line(row: dict[str, Any]) -> str:
    parts = []
    for name, value in row.items():
        if value is None or value == "" or value == [] or value == {}:
            continue
        shown = str(value)
        if len(shown) > LONGEST_VALUE:
            shown = shown[:LONGEST_VALUE] + "…"
        # The readers' own Chinese fonts come in one weight: colour tells names from values.
        parts.append(f'<font color="{NAME}">{escape(name)}</font> {escape(shown)}')
    return " · ".join(parts) or "–"
