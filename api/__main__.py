"""``python -m api COMMAND``: the command line of the service."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from api.commands.given import BAD_INPUT, InputError
from api.commands.parser import parser
from config.settings import SettingsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; bad input is exit status 2 with one line on standard error."""
    options = parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (SettingsError, InputError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
