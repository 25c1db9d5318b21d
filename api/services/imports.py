"""Taking over what an operator has in tables: all of a file or nothing, twice the same is once.

Each kind has a natural key (`KINDS`). A row whose key is new is made, one that differs is changed,
one that is the same is left alone. Whatever is wrong is told by row and column, all of it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from api.services import import_kinds as kinds
from api.services.import_cells import BadCell
from api.services.policies import policy_on
from api.services.refusals import Refusal
from api.services.tables_in import Row, read_table

MOST_ERRORS: Final = 200
"""How many wrong cells are told; nobody mends more at a time."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be imported.

    Attributes
    ----------
    required, optional
        Columns by name.
    example
        A row that is fine, for the template.
    prepare
        Reads what is there already, once a file.
    read
        A row's cells as values; raises `BadCell`.
    key
        What names a row's thing: two rows with the same key in a file are an error.
    put
        Makes or changes one thing; ``created``, ``updated`` or ``unchanged``.
    whole
        Instead of ``put``, for kinds whose file is one thing: takes all rows.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    example: tuple[str, ...]
    prepare: Callable[[Session, str], Any]
    read: Callable[[Mapping[str, str], Any], dict[str, Any]]
    key: Callable[[dict[str, Any]], object]
    put: Callable[[Session, dict[str, Any], Any, UUID | None], str] | None = None
    whole: Callable[[Session, list[dict[str, Any]], UUID | None], list[str]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, the required first."""
        return (*self.required, *self.optional)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "outlets": Kind(
            ("name", "address", "lat", "lon"), (),
            ("Harbour", "Quay Street 1", "-29.9533", "-71.3436"),
            kinds.outlets, kinds.read_outlet, lambda row: row["name"], kinds.put_outlet,
        ),
        "technicians": Kind(
            ("name", "outlet", "skills"), ("certificates",),
            ("Ana Rojas", "Harbour", "fridge:2; aircon:1",
             "Gas fitter|aircon|2026-01-01|2028-12-31"),
            kinds.technicians, kinds.read_technician,
            lambda row: (row["name"], row["outlet"]), kinds.put_technician,
        ),
        "parts": Kind(
            ("code", "name"), ("cost_fen", "serialised"), ("PCB-7", "Board", "12300", "yes"),
            kinds.parts, kinds.read_part, lambda row: row["code"], kinds.put_part,
        ),
        "customers": Kind(
            ("name", "phone"), ("email",), ("Rosa Araya", "+56 9 0000 0042", "rosa@example.org"),
            kinds.customers, kinds.read_customer, lambda row: row["phone_e164"], kinds.put_customer,
        ),
        "products": Kind(
            ("phone", "product", "serial"), ("sold_on", "warranty_months", "proof"),
            ("+56 9 0000 0042", "fridge", "FR-2026-0001", "2026-03-01", "24", "invoice 4711"),
            kinds.products, kinds.read_product,
            lambda row: (row["product"], row["serial"]), kinds.put_product,
        ),
        "price-book": Kind(
            ("version", "currency", "valid_from", "code", "kind", "name", "unit_fen"), (),
            ("2026-12", "CNY", "2026-12-01", "VISIT", "visit", "Visit to the home", "3000"),
            kinds.nothing, kinds.read_price, lambda row: (row["version"], row["code"]),
            whole=kinds.publish_book,
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wrong:
    """What does not fit, and where. ``column`` is empty for the row as a whole."""

    row: int
    column: str
    message: str


@dataclass
class Outcome:
    """What a file did, or would do. With ``errors``, nothing is done."""

    kind: str
    dry_run: bool
    rows: int
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    wrong: int = 0
    errors: list[Wrong] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As the API tells it."""
        return asdict(self)


def kind_named(name: str) -> Kind:
    """The kind of a name.

    Raises
    ------
    Refusal
        ``not_found``, with the names there are.
    """
    if name not in KINDS:
        raise Refusal("not_found", f"kinds are: {', '.join(KINDS)}", kinds=list(KINDS))
    return KINDS[name]


def take_file(
    session: Session, name: str, raw: bytes, actor_id: UUID | None, today: date, *, dry_run: bool
) -> Outcome:
    """Take a file over in the caller's transaction, or say what it would do.

    Returns
    -------
    Outcome
        Of a dry run with everything that is wrong, or of a file that was taken whole.

    Raises
    ------
    Refusal
        ``table_unreadable`` or ``too_large`` for the file, ``import_refused`` with the errors when
        a row is wrong and it is no dry run. The caller rolls back.
    """
    kind = kind_named(name)
    rows = read_table(raw, kind.required, kind.optional)
    # Two files of a kind at once: the second sees what the first has made.
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:kind, 11))"), {"kind": name}
    )
    outcome = Outcome(name, dry_run, len(rows))
    trial = session.begin_nested()
    _take(session, kind, rows, outcome, actor_id, policy_on(today).country)
    if dry_run:
        trial.rollback()
    elif outcome.wrong:
        trial.rollback()
        raise Refusal(
            "import_refused",
            f"{outcome.wrong} of {len(rows)} rows are wrong, nothing was taken; "
            f"the first: row {outcome.errors[0].row}, {outcome.errors[0].column or 'whole row'}: "
            f"{outcome.errors[0].message}",
            **outcome.to_json(),
        )
    else:
        trial.commit()
    return outcome


def _take(
    session: Session,
    kind: Kind,
    rows: Sequence[Row],
    outcome: Outcome,
    actor_id: UUID | None,
    country: str,
) -> None:
    known = kind.prepare(session, country)
    seen: dict[object, int] = {}
    fine: list[dict[str, Any]] = []
    wrong_rows: set[int] = set()

    def refuse(row: int, column: str, message: str) -> None:
        wrong_rows.add(row)
        if len(outcome.errors) < MOST_ERRORS:
            outcome.errors.append(Wrong(row, column, message))

    for row in rows:
        try:
            if "" in row.cells:
                raise BadCell("", "more values than columns")
            values = kind.read(row.cells, known)
            first = seen.setdefault(kind.key(values), row.number)
            if first != row.number:
                raise BadCell(kind.required[0], f"row {first} names the same thing")
            fine.append(values)
            if kind.put is not None:
                _count(outcome, kind.put(session, values, known, actor_id))
        except BadCell as error:
            refuse(row.number, error.column, error.message)
        except Refusal as refusal:
            refuse(row.number, "", refusal.detail or refusal.code)
    if kind.whole is not None and not wrong_rows:
        try:
            for word in kind.whole(session, fine, actor_id):
                _count(outcome, word)
        except BadCell as error:
            refuse(rows[0].number, error.column, error.message)
        except Refusal as refusal:
            refuse(rows[0].number, "", refusal.detail or refusal.code)
    outcome.wrong = len(wrong_rows)


def _count(outcome: Outcome, word: str) -> None:
    setattr(outcome, word, getattr(outcome, word) + 1)
