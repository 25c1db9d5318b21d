"""The one error of this package: where the input is wrong, and why."""

from __future__ import annotations


class ProblemError(ValueError):
    """Input that cannot be used, such as ``jobs[3].time_windows[0]: end 100 is before start 200``.

    ``path`` leads to the place in the document (empty for the document as a whole).
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message
