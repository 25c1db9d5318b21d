from pathlib import Path

from domain.lifecycle import as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "lifecycle.md"


def test_the_page_shows_the_table_as_it_is() -> None:
    assert as_markdown() in PAGE.read_text(encoding="utf-8")
