"""Which rule holds: law × place × day, the more particular place before the more general one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from domain.rules.arrival import RuleError
from domain.rules.keys import LAWS, Better, Unit
from domain.rules.packs import OPERATOR, Clause, Pack, Status, Value, lineage


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One step of a decision, as people read it; ``version`` names the pack it rests on.

    ``status`` is ``unconfirmed`` where the step rests on a clause nobody has checked.
    """

    text: str
    version: str = ""
    status: Status = Status.CONFIRMED


@dataclass(frozen=True, slots=True)
class Ruling:
    """A clause as it holds for a case, with the pack that says so."""

    key: str
    value: Value
    unit: Unit
    status: Status
    version: str
    place: str
    source: str
    article: str

    @property
    def number(self) -> int:
        """The value of a clause that counts.

        Raises
        ------
        TypeError
            For a flag or names.
        """
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise TypeError(f"{self.key} is not a number: {self.value!r}")
        return self.value

    def line(self, text: str) -> TraceLine:
        """A step of a decision that rests on this clause."""
        where = f" ({self.version}{', ' + self.article if self.article else ''})"
        return TraceLine(text + where, self.version, self.status)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a law says at a place on a day. ``trace`` tells which pack decided each clause."""

    law: str
    place: str
    day: date
    rulings: Mapping[str, Ruling]
    versions: tuple[str, ...] = ()
    trace: tuple[TraceLine, ...] = field(default=())

    def get(self, key: str) -> Ruling | None:
        """The clause, or None where no pack in force has it.

        Raises
        ------
        KeyError
            When the law knows no such clause: a slip of ours, not a gap in the packs.
        """
        if key not in LAWS[self.law]:
            raise KeyError(f"{self.law} has no clause {key}")
        return self.rulings.get(key)

    def flag(self, key: str) -> bool:
        """Whether a flag is set; one that no pack sets is not."""
        ruling = self.get(key)
        return ruling is not None and ruling.value is True


class Rulebook:
    """All packs of an installation.

    Raises
    ------
    RuleError
        When two packs have one version, or one law, place, products and day.
    """

    def __init__(self, packs: Iterable[Pack]) -> None:
        self.packs = tuple(sorted(packs, key=lambda pack: (pack.law, pack.place, pack.valid_from)))
        seen: dict[object, Pack] = {}
        for pack in self.packs:
            for mark in (pack.version, (pack.law, pack.place, pack.products, pack.valid_from)):
                if mark in seen:
                    raise RuleError(f"two packs say {mark}: {pack.version}, {seen[mark].version}")
                seen[mark] = pack

    def pack(self, version: str) -> Pack:
        """The pack of a version.

        Raises
        ------
        LookupError
            When there is none.
        """
        for pack in self.packs:
            if pack.version == version:
                return pack
        raise LookupError(f"no rule pack {version!r}")

    def in_force(self, law: str, place: str, day: date, product: str = "") -> tuple[Pack, ...]:
        """The packs that hold, the most general first; a later pack replaces an earlier one."""
        if law not in LAWS:
            raise RuleError(f"no law {law!r}; known are {', '.join(LAWS)}")
        found: dict[tuple[int, frozenset[str]], Pack] = {}
        places = lineage(place)
        for pack in self.packs:
            if pack.law != law or pack.place not in places or not pack.holds_on(day):
                continue
            if pack.products and product not in pack.products:
                continue
            found[places.index(pack.place), pack.products] = pack
        # A pack for some products is more particular than one for all, at the same place.
        return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], bool(key[1]))))

    def rules(self, law: str, place: str, day: date, product: str = "") -> Rules:
        """The clauses that hold for a case of this place, day and class of product.

        A more particular place overrides a more general one. The operator's own promise counts
        only where it is no worse for the consumer than the law.
        """
        return merge(law, place, day, self.in_force(law, place, day, product))

    def replaced(self, version: str) -> Rulebook:
        """This book as if the pack of ``version`` held alone for its law and place, at any day.

        What a difference report compares: the same history under another pack.
        """
        only = self.pack(version)
        others = (pack for pack in self.packs if not _rivals(pack, only))
        always = Pack(
            only.version,
            only.law,
            only.title,
            only.place,
            only.products,
            date.min,
            None,
            only.date_status,
            only.source,
            only.clauses,
        )
        return Rulebook([*others, always])


def _rivals(a: Pack, b: Pack) -> bool:
    return (a.law, a.place, a.products) == (b.law, b.place, b.products)


def merge(law: str, place: str, day: date, packs: Iterable[Pack]) -> Rules:
    """One set of clauses from packs in force, the most general first."""
    rulings: dict[str, Ruling] = {}
    trace: list[TraceLine] = []
    versions = []
    for pack in packs:
        versions.append(pack.version)
        if pack.date_status is Status.UNCONFIRMED:
            trace.append(
                TraceLine(
                    f"{pack.version}: the day it came into force is unconfirmed",
                    pack.version,
                    Status.UNCONFIRMED,
                )
            )
        for key, clause in pack.clauses.items():
            ruling = _ruling(pack, clause)
            before = rulings.get(key)
            if before is not None and pack.place == OPERATOR and _worse(law, clause, before):
                trace.append(
                    ruling.line(
                        f"{key}: the operator's {_said(clause)} is worse for the consumer than "
                        f"{before.value} {before.unit} of {before.version} and does not count"
                    )
                )
                continue
            instead = f" instead of {before.value} of {before.version}" if before else ""
            trace.append(ruling.line(f"{key}: {_said(clause)}{instead}"))
            rulings[key] = ruling
    return Rules(law, place, day, rulings, tuple(versions), tuple(trace))


def _ruling(pack: Pack, clause: Clause) -> Ruling:
    return Ruling(
        clause.key,
        clause.value,
        clause.unit,
        clause.status,
        pack.version,
        pack.place,
        pack.source,
        clause.article,
    )


def _said(clause: Clause) -> str:
    if isinstance(clause.value, tuple):
        return ", ".join(clause.value)
    if isinstance(clause.value, bool):
        return "yes" if clause.value else "no"
    return f"{clause.value} {clause.unit}"


def _worse(law: str, clause: Clause, before: Ruling) -> bool:
    better = LAWS[law][clause.key].better
    if better is Better.NEITHER or clause.unit is not before.unit:
        # Nobody can tell which of two units is kinder, so the law's stands.
        return True
    new, old = int(clause.value), before.number  # type: ignore[arg-type]
    return new > old if better is Better.LESS else new < old
