"""The three guarantees (三包): what a consumer may ask for, and what of a repair is free.

A pure function of the facts of a purchase and its repairs, and of the rules in force. Which number
of days or repairs leads to what is in the rules; here stands only how facts are held against them.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from domain.rules.rulebook import Rules, Ruling, TraceLine


class Remedy(StrEnum):
    """What a consumer may ask for; where there are several, the consumer chooses."""

    REPAIR = "repair"
    EXCHANGE = "exchange"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Repair:
    """A stay in repair. ``ended_on`` is None while it lasts; both days count as in repair.

    ``held`` is False when the fault came back; ``by_repairer`` counts days of the stay that the
    repairer alone has caused, ``parts_wait`` days of it without parts.
    """

    began_on: date
    ended_on: date | None
    held: bool = True
    parts_wait: int = 0
    by_repairer: int = 0
    same_fault: bool = True

    def days(self, as_of: date) -> int:
        """Calendar days in repair up to ``as_of``, first and last included."""
        end = min(self.ended_on or as_of, as_of)
        return max(0, (end - self.began_on).days + 1)


@dataclass(frozen=True, slots=True)
class Purchase:
    """A thing that somebody bought.

    Parameters
    ----------
    sold_on
        Day of the sale as the proof shows it; None without proof.
    warranty_months
        What its warranty card promises; None when only the rules count.
    main_part
        Whether the fault is in a main part.
    consumer_caused
        Whether the consumer has caused the fault, as established with evidence.
    repairs
        Earlier and current stays in repair.
    """

    sold_on: date | None
    warranty_months: int | None = None
    main_part: bool = False
    consumer_caused: bool = False
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What the rules give. ``free_kinds`` are the kinds of lines that cost nothing.

    ``warranty_until`` is the last free day, extensions included. ``loaner_due_on`` is the last day
    by which the repair is done or a loaner given; ``proof_until`` the last day on which the
    operator bears the proof.
    """

    remedies: tuple[Remedy, ...]
    free_kinds: frozenset[str]
    warranty_until: date | None
    days_in_repair: int
    failed_repairs: int
    loaner_due_on: date | None
    proof_until: date | None
    rulings: tuple[Ruling, ...]
    trace: tuple[TraceLine, ...]


@dataclass(slots=True)
class _Finding:
    """What has been found so far; ends up in an `Entitlement`."""

    remedies: set[Remedy] = field(default_factory=set)
    rulings: list[Ruling] = field(default_factory=list)
    trace: list[TraceLine] = field(default_factory=list)

    def rest(self, ruling: Ruling, text: str, *remedies: Remedy) -> None:
        self.rulings.append(ruling)
        self.trace.append(ruling.line(text))
        self.remedies.update(remedies)

    def say(self, text: str) -> None:
        self.trace.append(TraceLine(text))


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or the month's last day where it has no such day."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def entitlement(
    purchase: Purchase, guarantees: Rules, repair: Rules, evidence: Rules, as_of: date
) -> Entitlement:
    """What a consumer may ask for on a day, and why, line by line.

    Parameters
    ----------
    purchase
        The facts.
    guarantees, repair, evidence
        The rules ``three-guarantees``, ``repair`` and ``evidence`` for the case's place, day and
        class of product.
    as_of
        The day to judge, in the place's zone.
    """
    found = _Finding()
    stays = [stay for stay in purchase.repairs if stay.began_on <= as_of]
    days_in_repair = sum(stay.days(as_of) for stay in stays)
    failed = sum(not stay.held for stay in stays if stay.ended_on is not None)
    loaner_due = _loaner(stays, repair, as_of, found)
    if purchase.sold_on is None:
        found.say("no proof of purchase: no warranty can be shown")
        return _result(found, None, days_in_repair, failed, loaner_due, None, frozenset())
    if purchase.sold_on > as_of:
        found.say(f"sold on {purchase.sold_on}, after the day judged")
        return _result(found, None, days_in_repair, failed, loaner_due, None, frozenset())
    proof = evidence.get("operator_bears_proof")
    proof_until = None
    if proof is not None:
        proof_until = add_months(purchase.sold_on, proof.number)
        if as_of <= proof_until:
            found.rest(proof, f"until {proof_until} the operator has to prove the cause")
    until = _warranty_until(purchase, guarantees, days_in_repair, found)
    if purchase.consumer_caused:
        found.say("the consumer has caused the fault: no free repair, no exchange, no return")
        found.remedies.clear()
        return _result(found, until, days_in_repair, failed, loaner_due, proof_until, frozenset())
    age = (as_of - purchase.sold_on).days
    _after_sale(age, guarantees, found)
    if until is not None and as_of <= until:
        found.remedies.add(Remedy.REPAIR)
        found.say(f"in warranty until {until}: repair")
        _by_repairs(stays, failed, days_in_repair, guarantees, as_of, found)
    elif until is not None:
        found.say(f"the warranty ended on {until}")
    _holding(stays, guarantees, as_of, found)
    free = _free(guarantees, found) if found.remedies else frozenset()
    return _result(found, until, days_in_repair, failed, loaner_due, proof_until, free)


def _result(
    found: _Finding,
    until: date | None,
    days: int,
    failed: int,
    loaner: date | None,
    proof_until: date | None,
    free: frozenset[str],
) -> Entitlement:
    order = [remedy for remedy in Remedy if remedy in found.remedies]
    return Entitlement(
        tuple(order),
        free,
        until,
        days,
        failed,
        loaner,
        proof_until,
        tuple(found.rulings),
        tuple(found.trace),
    )


def _loaner(stays: Sequence[Repair], repair: Rules, as_of: date, found: _Finding) -> date | None:
    rule, delay = repair.get("loaner_after"), repair.get("delay_after")
    current = next((stay for stay in stays if stay.ended_on is None), None)
    if current is not None and delay is not None and current.days(as_of) > delay.number:
        found.rest(delay, f"{current.days(as_of)} days, more than {delay.number}: deliberate delay")
    if rule is None or current is None:
        return None
    due = current.began_on + timedelta(days=rule.number)
    found.rest(rule, f"in repair since {current.began_on}: done, or a loaner, by {due}")
    return due


def _warranty_until(
    purchase: Purchase, rules: Rules, days_in_repair: int, found: _Finding
) -> date | None:
    assert purchase.sold_on is not None
    rule = rules.get("warranty_main_parts") if purchase.main_part else None
    rule = rule or rules.get("warranty")
    months = purchase.warranty_months
    if rule is not None and (months is None or rule.number >= months):
        months = rule.number
        found.rest(rule, f"warranty of {months} months from {purchase.sold_on}")
    elif months is not None:
        found.say(f"warranty of {months} months from {purchase.sold_on}, as its card promises")
    if months is None:
        found.say("neither a rule nor a card gives a warranty")
        return None
    until = add_months(purchase.sold_on, months)
    extension = rules.get("extended_by_repair")
    if extension is not None and extension.value is True and days_in_repair:
        until += timedelta(days=days_in_repair)
        found.rest(extension, f"{days_in_repair} days in repair extend the warranty to {until}")
    return until


def _after_sale(age: int, rules: Rules, found: _Finding) -> None:
    returns, exchanges = rules.get("return_within"), rules.get("exchange_within")
    if returns is not None and age <= returns.number:
        found.rest(
            returns,
            f"{age} days after the sale, within {returns.number}: return, exchange or repair",
            *Remedy,
        )
    elif exchanges is not None and age <= exchanges.number:
        found.rest(
            exchanges,
            f"{age} days after the sale, within {exchanges.number}: exchange or repair",
            Remedy.EXCHANGE,
            Remedy.REPAIR,
        )


def _by_repairs(
    stays: Sequence[Repair],
    failed: int,
    days_in_repair: int,
    rules: Rules,
    as_of: date,
    found: _Finding,
) -> None:
    both = (Remedy.EXCHANGE, Remedy.RETURN)
    repairs = rules.get("repairs_until_exchange")
    if repairs is not None and failed >= repairs.number:
        found.rest(repairs, f"{failed} repairs did not hold: exchange or return", *both)
    total = rules.get("total_repair")
    if total is not None and days_in_repair > total.number:
        found.rest(total, f"{days_in_repair} days in repair, more than {total.number}", *both)
    current = next((stay for stay in stays if stay.ended_on is None), None)
    if current is None:
        return
    lasting = current.days(as_of)
    unrepaired = rules.get("unrepaired")
    if unrepaired is not None and lasting >= unrepaired.number:
        found.rest(unrepaired, f"unrepaired for {lasting} days: exchange or return", *both)
    parts = rules.get("parts_wait")
    if parts is not None and current.parts_wait > parts.number:
        found.rest(parts, f"{current.parts_wait} days without parts: exchange", Remedy.EXCHANGE)
    fault = rules.get("repairer_fault")
    if fault is not None and current.by_repairer > fault.number:
        found.rest(
            fault, f"{current.by_repairer} days by the repairer's fault: exchange", Remedy.EXCHANGE
        )


def _holding(stays: Sequence[Repair], rules: Rules, as_of: date, found: _Finding) -> None:
    rule = rules.get("repair_holds")
    done = [s.ended_on for s in stays if s.ended_on is not None and s.same_fault]
    if rule is None or not done:
        return
    since = (as_of - max(done)).days
    if 0 <= since <= rule.number:
        found.rest(
            rule,
            f"repaired {since} days ago, and must hold {rule.number}: repaired again for nothing",
            Remedy.REPAIR,
        )


def _free(rules: Rules, found: _Finding) -> frozenset[str]:
    rule = rules.get("free_lines")
    if rule is None:
        found.say("no rule says which lines are free")
        return frozenset()
    names = rule.value if isinstance(rule.value, tuple) else ()
    found.rest(rule, "free are: " + ", ".join(names))
    return frozenset(names)
