"""How a use case says no: a code with parameters. `api.problems` turns it into an answer."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A command or query that cannot be answered as asked.

    ``code`` is one of `api.problems.PROBLEMS`; ``params`` are what a program needs to react.
    """

    def __init__(self, code: str, detail: str = "", **params: Any) -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail
        self.params = params
