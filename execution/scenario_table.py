"""A scenario's steps as a table for people, and as plain values for programs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from enforcement.account import CashFlow
from enforcement.calendar import zone_named
from enforcement.decision import Decision, Outcome
from enforcement.explain import explain, explain_refusal, money, plain
from enforcement.floors import Anchor, LossFloor
from enforcement.orders import OrderIntent
from enforcement.program import ProgramTerms
from enforcement.replay import decimal_text
from enforcement.scenario import Breach, Event, Fill, Mark, MoveStop, Order, Payout, Step, Turn

_HOW = {
    Anchor.INITIAL: "static",
    Anchor.HIGHEST_EQUITY: "trailing",
    Anchor.HIGHEST_CLOSE: "end of day",
    Anchor.HIGHEST_BALANCE: "closed balance",
    Anchor.DAY_START_BALANCE: "of the day's balance",
    Anchor.DAY_START_HIGHER: "of the day's higher",
    Anchor.BALANCE: "open loss",
}


class View:
    """What is common to every way of showing a scenario: names of its floors, its clock, its currency."""

    def __init__(self, terms: ProgramTerms) -> None:
        self.terms = terms
        self.zone = zone_named(terms.day.zone)
        self.names = floor_names(terms.floors)
        self.title = f"{terms.firm}/{terms.number}" if terms.firm else "The file's own rules"

    def when(self, at: datetime) -> str:
        local = at.astimezone(self.zone)
        return f"{local:%a %d %b %H:%M:%S}" if local.second else f"{local:%a %d %b %H:%M}"

    def verdict(self, decision: Decision) -> str:
        """One sentence: what was decided, and why."""
        if decision.refusal is not None:
            sentence = explain_refusal(decision, self.terms.currency)
            return f"refused ({decision.breach_type}): {sentence}"
        risk = "" if decision.risk is None else f", it risks {money(decision.risk, self.terms.currency)}"
        return f"approved{risk}"

    def broken(self, breach: Breach) -> str:
        name = self.names[breach.floor]
        what = f"{name} floor of {breach.level:,.2f} broken by equity of {breach.equity:,.2f}"
        if breach.until is None:
            return f"{what}: the account has failed"
        return f"{what}: locked until {self.when(breach.until)}"


def floor_names(floors: Iterable[LossFloor]) -> dict[LossFloor, str]:
    """A short name for each: what kind it is, and how it is measured where two are of one kind."""
    floors = list(floors)
    kinds = {
        floor: ("own " if floor.personal else "") + floor.kind.value.replace("_", " ") for floor in floors
    }
    count = Counter(kinds.values())
    names = {
        floor: kind if count[kind] == 1 else f"{kind}, {_HOW[floor.anchor]}" for floor, kind in kinds.items()
    }
    count = Counter(names.values())
    return {
        floor: name if count[name] == 1 else f"{name} ({number})"
        for number, (floor, name) in enumerate(names.items(), 1)
    }


def describe(event: Event | Turn) -> str:
    """What happened, in a few words."""
    if isinstance(event, Turn):
        return " and ".join(["close"] * event.is_close + ["reset"] * event.is_reset)
    if isinstance(event, Mark):
        prices = ", ".join(f"{one.symbol} at {plain(price)}" for one, price in event.prices.items())
        return f"mark, {prices}" if prices else "mark"
    if isinstance(event, Fill):
        side = "buy" if event.quantity > 0 else "sell"
        return f"fill: {side} {plain(abs(event.quantity))} {event.instrument.symbol} at {plain(event.price)}"
    if isinstance(event, MoveStop):
        return f"stop of {event.instrument.symbol}: {'none' if event.stop is None else plain(event.stop)}"
    if isinstance(event, Payout):
        word = "paid" if event.flow is CashFlow.PAYOUT_PAID else "asked for"
        return f"payout of {event.amount:,.2f} {word}"
    return _order(event.intent) if isinstance(event, Order) else "look"


def _order(intent: OrderIntent) -> str:
    size = "?" if intent.quantity is None else plain(intent.quantity)
    words = [f"{'exit' if intent.reduces else 'order'}: {intent.side.value} {size} {intent.symbol}"]
    if intent.entry_price is not None:
        words[0] += f" at {plain(intent.entry_price)}"
    words += [
        f"{name} {plain(price)}"
        for name, price in (("stop", intent.stop_loss), ("target", intent.target))
        if price is not None
    ]
    return ", ".join(words)


# --- for people ---------------------------------------------------------------------------------------


def table(view: View, steps: Sequence[Step], notes: Sequence[str]) -> str:
    """The steps, one a line, with what follows from each under it. A close or reset that moved no floor
    is left out."""
    floors = list(view.names)
    header = ["when", "what", "balance", "equity", *view.names.values(), "room"]
    rows: list[list[str]] = []
    below: dict[int, list[str]] = {}
    before: list[str] = []
    for step, note in zip(steps, notes, strict=True):
        levels = _levels(step, floors)
        if isinstance(step.event, Turn) and levels == before and not step.breaches:
            continue
        before = levels
        below[len(rows)] = _remarks(view, step, note)
        room = "?" if step.standing.room is None else f"{step.standing.room:,.2f}"
        state = step.state
        rows.append(
            [
                view.when(step.at),
                describe(step.event),
                f"{state.balance:,.2f}",
                f"{state.equity:,.2f}",
                *levels,
                room,
            ]
        )
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [_line(header, widths), "-" * (sum(widths) + 2 * (len(widths) - 1))]
    for number, row in enumerate(rows):
        lines.append(_line(row, widths))
        lines += [" " * (widths[0] + 2) + f"  {remark}" for remark in below[number]]
    return "\n".join(lines)


def _levels(step: Step, floors: Sequence[LossFloor]) -> list[str]:
    known = {room.floor: room.level for room in step.standing.floors}
    return [
        "ended" if floor not in known else "?" if (level := known[floor]) is None else f"{level:,.2f}"
        for floor in floors
    ]


def _remarks(view: View, step: Step, note: str) -> list[str]:
    remarks = [note] if note else []
    if step.decision is not None:
        remarks.append(view.verdict(step.decision))
        warnings = (f for f in step.decision.findings if f.outcome is Outcome.WARN)
        remarks += [f"warning: {explain(finding, view.terms.currency)}" for finding in warnings]
    return [*remarks, *(view.broken(breach) for breach in step.breaches)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Two columns of words, then numbers."""
    padded = [cell.ljust(width) if column < 2 else cell.rjust(width)
              for column, (cell, width) in enumerate(zip(cells, widths, strict=True))]  # fmt: skip
    return "  ".join(padded).rstrip()


def heading(view: View) -> str:
    terms = view.terms
    return (
        f"{view.title}, from {money(terms.starting_balance, terms.currency)}. "
        f"Times are of {terms.day.zone}; the day begins at {terms.day.reset:%H:%M}."
    )


def summary(view: View, steps: Sequence[Step]) -> str:
    decisions = [step.decision for step in steps if step.decision is not None]
    refused = sum(not decision.allowed for decision in decisions)
    orders = "1 order" if len(decisions) == 1 else f"{len(decisions)} orders"
    said = f"{orders}: {len(decisions) - refused} approved, {refused} refused."
    last = steps[-1]
    if last.failed is not None:
        return f"{said} The account failed on {view.when(last.failed.at)} ({view.names[last.failed.floor]})."
    for lock in last.locks:
        return f"{said} The account is locked ({view.names[lock.floor]})."
    if last.standing.binding is None or last.standing.room is None:
        return said
    room, name = money(last.standing.room, view.terms.currency), view.names[last.standing.binding.floor]
    return f"{said} The account stands, {room} above its {name} floor."


# --- for programs -------------------------------------------------------------------------------------


def as_data(view: View, steps: Sequence[Step], notes: Sequence[str], lines: Sequence[int | None]) -> Any:
    """Plain values; money and sizes as decimal text, times as ISO 8601 in UTC."""
    return {
        "program": view.title,
        "currency": view.terms.currency,
        "steps": [
            _step(view, *one) for one in zip(steps, notes, lines, strict=True)
        ],
    }  # fmt: skip


def _step(view: View, step: Step, note: str, line: int | None) -> dict[str, Any]:
    binding = step.standing.binding
    return {
        "at": step.at.isoformat(),
        "line": line,
        "event": describe(step.event),
        "note": note,
        "balance": decimal_text(step.state.balance),
        "equity": decimal_text(step.state.equity),
        "floors": [
            {"name": view.names[room.floor], "kind": room.floor.kind.value, "level": _text(room.level),
             "room": _text(room.room), "binding": room is binding}
            for room in step.standing.floors
        ],
        "room": _text(step.standing.room),
        "flags": [{"key": flag.key, "cause": flag.cause} for flag in step.flags],
        "breaches": [
            {"cause": breach.cause, "hard": breach.is_hard, "level": decimal_text(breach.level),
             "until": None if breach.until is None else breach.until.isoformat()}
            for breach in step.breaches
        ],
        "decision": None if step.decision is None else _decision(view, step.decision),
    }  # fmt: skip


def _decision(view: View, decision: Decision) -> dict[str, Any]:
    refusal = decision.refusal
    return {
        "allowed": decision.allowed,
        "breach_type": decision.breach_type,
        "code": None if refusal is None else refusal.code,
        "reason": explain_refusal(decision, view.terms.currency),
        "risk": _text(decision.risk),
        "fits": _text(decision.fits),
        "findings": [
            {"rule": finding.rule, "code": finding.code, "outcome": finding.outcome.name.lower()}
            for finding in decision.findings
        ],
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else decimal_text(number)
