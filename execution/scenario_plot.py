"""A scenario as one picture: equity against its floors, with every order and every breach marked.

The axis is by event: from one to the next it is as wide as the time between them, but long idle spans are
shortened and bursts stretched, so that a night doesn't crowd out the day. The labels say the times.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from math import ceil, floor, log10
from statistics import median
from xml.sax.saxutils import escape, quoteattr

from enforcement.floors import LossFloor
from enforcement.scenario import Breach, Step, Turn
from execution.scenario_table import View, describe

WIDTH, HEIGHT = 1120, 470
LEFT, TOP, BOTTOM = 84, 74, 54
LETTER = 7.2  # the width of a bold one, amply
LINE = 17  # height of a line of text
APART = 46  # so far apart times can be read
NOTES = 12  # so many orders are written out below
NARROWEST, WIDEST = 0.6, 3.0  # of a usual span, for one between two events
INK, FAINT, GRID, EQUITY, ROOM = "#1f2933", "#6b7785", "#e6eaee", "#1d4ed8", "#2563eb"
GOOD, BAD, LOCKED = "#15803d", "#c81e1e", "#b45309"
HARD, SOFT = ("#b91c1c", "#7e22ce", "#0f766e"), ("#c2710c", "#8a6d00", "#be185d")


def svg(view: View, steps: Sequence[Step]) -> str:
    """The picture, standing alone: no script, no font, nothing loaded."""
    return _Plot(view, steps).text()


class _Plot:
    def __init__(self, view: View, steps: Sequence[Step]) -> None:
        self.view, self.steps = view, steps
        longest = max(len(f"{name} 100,000.00") for name in ("equity", *view.names.values()))
        self.end = round(WIDTH - 20 - longest * LETTER, 1)
        self.x = _positions([step.at for step in steps], LEFT, self.end)
        self.levels = {
            one: [next((r.level for r in step.standing.floors if r.floor == one), None) for step in steps]
            for one in view.names
        }
        self.colors = _colors(self.levels)
        known = [step.state.equity for step in steps]
        known += [level for levels in self.levels.values() for level in levels if level is not None]
        self.ticks = _ticks(min(known), max(known))
        self.orders = [step for step in steps if step.decision is not None]

    def text(self) -> str:
        notes = list(self._notes())
        height = HEIGHT + (26 + LINE * len(notes) if notes else 0)
        title = "Equity against its floors"
        body = [
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            _words(LEFT, 30, title, size=18, weight=600),
            _words(LEFT, 50, self._subtitle(), color=FAINT),
            *self._legend(), *self._axes(), *self._shades(), self._room(), *self._floors(),
            *self._equity(), *self._marks(), *self._labels(),
            *self._written(notes),
        ]  # fmt: skip
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" role="img" aria-label={quoteattr(title)} '
            'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="12">\n'
            f"<title>{escape(title)}</title>\n" + "\n".join(filter(None, body)) + "\n</svg>\n"
        )

    def _subtitle(self) -> str:
        terms = self.view.terms
        return f"{self.view.title}. {terms.currency}, times of {terms.day.zone}; idle spans are shortened."

    def _y(self, money: Decimal) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        share = float((money - low) / (high - low))
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)

    def _until(self, number: int) -> float:
        """Where what stands at a step ends: at the next one."""
        return self.x[number + 1] if number + 1 < len(self.x) else self.end

    # --- the ground -----------------------------------------------------------------------------------

    def _axes(self) -> Iterator[str]:
        for tick in self.ticks:
            y = self._y(tick)
            yield _rule(LEFT, y, self.end, y, GRID)
            yield _words(LEFT - 10, y + 4, f"{tick:,}", color=FAINT, anchor="end")
        day = None
        for number in self._labelled():
            x, local = self.x[number], self.steps[number].at.astimezone(self.view.zone)
            if _is_reset(self.steps[number]):
                yield _rule(
                    x, TOP, x, HEIGHT - BOTTOM, "#b8c2cc", dash="2 4", hover="reset: a new trading day"
                )
            yield _rule(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 5, FAINT)
            yield _words(x, HEIGHT - BOTTOM + 18, f"{local:%H:%M}", color=FAINT, anchor="middle")
            if local.date() != day:
                day = local.date()
                yield _words(x, HEIGHT - BOTTOM + 34, f"{local:%a %d %b}", anchor="middle", weight=600)
        yield _rule(LEFT, HEIGHT - BOTTOM, self.end, HEIGHT - BOTTOM, FAINT)

    def _labelled(self) -> list[int]:
        """The steps whose time is written below: resets first, then what has the space."""
        chosen: list[int] = []
        for number in sorted(range(len(self.steps)), key=lambda n: not _is_reset(self.steps[n])):
            if all(abs(self.x[number] - self.x[other]) >= APART for other in chosen):
                chosen.append(number)
        return sorted(chosen)

    def _legend(self) -> Iterator[str]:
        x = self.end - 208
        yield _approved(x, 46) + _words(x + 12, 50, "order approved", color=FAINT)
        yield _refused(x + 118, 46) + _words(x + 130, 50, "order refused", color=FAINT)

    def _shades(self) -> Iterator[str]:
        """From a breach to the end of what it brings."""
        for number, step in enumerate(self.steps):
            for breach in step.breaches:
                yield self._shade(number, breach)

    def _shade(self, number: int, breach: Breach) -> str:
        begin, end = self.x[number], self.end
        over = [
            x for x, step in zip(self.x, self.steps, strict=True) if breach.until and step.at >= breach.until
        ]
        end = over[0] if over else end
        color, word = (BAD, "failed") if breach.is_hard else (LOCKED, "locked")
        shade = (
            f'<rect x="{begin}" y="{TOP}" width="{max(end - begin, 3):.1f}" height="{HEIGHT - BOTTOM - TOP}" '
            f'fill="{color}" fill-opacity="0.09">{_hover(self.view.broken(breach))}</rect>'
        )
        right = begin > self.end - 60
        where = begin - 6 if right else begin + 6
        text = _words(where, TOP + 14, word, color=color, weight=600, anchor="end" if right else "start")
        return shade + _rule(begin, TOP, begin, HEIGHT - BOTTOM, color) + text

    def _room(self) -> str:
        """What is left between equity and the floor that binds."""
        parts = []
        for number, step in enumerate(self.steps):
            binding = step.standing.binding
            if binding is None or binding.level is None or binding.level >= step.state.equity:
                continue
            top, foot = self._y(step.state.equity), self._y(binding.level)
            parts.append(f"M{self.x[number]} {top}H{self._until(number)}V{foot}H{self.x[number]}Z")
        return f'<path d="{"".join(parts)}" fill="{ROOM}" fill-opacity="0.06"/>' if parts else ""

    # --- what moves -----------------------------------------------------------------------------------

    def _floors(self) -> Iterator[str]:
        for one, levels in self.levels.items():
            path = self._stairs(levels)
            if path:
                dash = "" if one.is_hard else ' stroke-dasharray="7 4"'
                yield (
                    f'<path d="{path}" fill="none" stroke="{self.colors[one]}" stroke-width="1.8"{dash}>'
                    f"{_hover(self._about(one))}</path>"
                )

    def _about(self, one: LossFloor) -> str:
        return (
            f"{self.view.names[one]} floor: {'ends the account' if one.is_hard else 'locks it for the day'}"
        )

    def _equity(self) -> Iterator[str]:
        path = self._stairs([step.state.equity for step in self.steps])
        size = 3 if len(self.steps) <= 60 else 1.5
        yield f'<path d="{path}" fill="none" stroke="{EQUITY}" stroke-width="2.4" stroke-linejoin="round"/>'
        for step, x in zip(self.steps, self.x, strict=True):
            if step.decision is None and not isinstance(step.event, Turn):
                y = self._y(step.state.equity)
                yield (
                    f'<circle cx="{x}" cy="{y}" r="{size}" fill="#fff" stroke="{EQUITY}" stroke-width="1.6">'
                    f"{_hover(self._hovered(step))}</circle>"
                )

    def _hovered(self, step: Step) -> str:
        room = "not known" if step.standing.room is None else f"{step.standing.room:,.2f}"
        return (
            f"{self.view.when(step.at)}, {describe(step.event)}: equity {step.state.equity:,.2f}, room {room}"
        )

    def _stairs(self, values: Sequence[Decimal | None]) -> str:
        """What stands from each step to the next; broken where it isn't known."""
        path, is_drawing = "", False
        for number, value in enumerate(values):
            if value is None:
                is_drawing = False
                continue
            move = f"V{self._y(value)}" if is_drawing else f"M{self.x[number]} {self._y(value)}"
            path += f"{move}H{self._until(number)}"
            is_drawing = True
        return path

    def _marks(self) -> Iterator[str]:
        places = {id(step): x for step, x in zip(self.steps, self.x, strict=True)}
        for count, step in enumerate(self.orders, 1):
            if step.decision is None:
                continue
            x, y = places[id(step)], self._y(step.state.equity)
            draw, color = (_approved, GOOD) if step.decision.allowed else (_refused, BAD)
            said = f"{self.view.when(step.at)}, {describe(step.event)}: {self.view.verdict(step.decision)}"
            yield draw(x, y, said) + _words(x, y - 12, str(count), color=color, anchor="middle", weight=600)

    def _labels(self) -> Iterator[str]:
        """Each line's name and last value at its right end, pushed apart where they would meet."""
        last = self.steps[-1].state.equity
        ends = [(self._y(last), f"equity {last:,.2f}", EQUITY)]
        for one, levels in self.levels.items():
            level = levels[-1]
            if level is not None:
                ends.append((self._y(level), f"{self.view.names[one]} {level:,.2f}", self.colors[one]))
        for y, (_, text, color) in zip(_apart([y for y, _, _ in sorted(ends)]), sorted(ends), strict=True):
            yield _words(self.end + 10, y + 4, text, color=color, weight=600)

    def _written(self, notes: Iterable[tuple[str, str, str]]) -> Iterator[str]:
        for number, (head, text, color) in enumerate(notes):
            y = HEIGHT + 22 + LINE * number
            yield _words(LEFT - 60, y, head, color=color, weight=600) if head else ""
            yield _words(LEFT + 104, y, text)

    def _notes(self) -> Iterator[tuple[str, str, str]]:
        """The orders in words, for paper: (number and time, sentence, color); "" on a further line. Of many
        only those that were refused."""
        numbered = [
            (count, step, step.decision) for count, step in enumerate(self.orders, 1) if step.decision
        ]
        if len(numbered) > NOTES:
            numbered = [one for one in numbered if not one[2].allowed]
        for count, step, decision in numbered[:NOTES]:
            color = GOOD if decision.allowed else BAD
            first, *more = textwrap.wrap(f"{describe(step.event)}: {self.view.verdict(decision)}", width=140)
            yield f"{count}   {self.view.when(step.at)}", first, color
            yield from (("", line, INK) for line in more)
        if len(numbered) > NOTES:
            yield f"and {len(numbered) - NOTES} more refused", "", FAINT


def _is_reset(step: Step) -> bool:
    return isinstance(step.event, Turn) and step.event.is_reset


def _positions(times: Sequence[datetime], left: float, right: float) -> list[float]:
    """Where each step stands. What is open at the end gets a span as well: it stands until told otherwise."""
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(times)]
    usual = median([gap for gap in gaps if gap] or [1.0])
    spans = [min(max(gap / usual, NARROWEST), WIDEST) if gap else 0.25 for gap in gaps]
    places = [0.0]
    for span in spans:
        places.append(places[-1] + span)
    scale = (right - left) / (places[-1] + 1.0)
    return [round(left + place * scale, 1) for place in places]


def _ticks(low: Decimal, high: Decimal) -> list[Decimal]:
    """About six round numbers that hold everything between them."""
    span = float(high - low) or max(abs(float(high)), 1.0) / 50
    rough = span / 5
    power = 10.0 ** floor(log10(rough))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough)
    first, last = floor((float(low) - span * 0.05) / step), ceil((float(high) + span * 0.12) / step)
    exact = Decimal(repr(step))
    numbers = [number * exact for number in range(first, last + 1)]
    return [n.quantize(Decimal(1)) if n == n.to_integral_value() else n.normalize() for n in numbers]


def _apart(heights: Sequence[float]) -> list[float]:
    """Ascending heights, at least a line of text apart, moved as little as it takes."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + LINE) if placed else height)
    over = placed[-1] - (HEIGHT - BOTTOM) if placed else 0
    return [height - max(over, 0) for height in placed]


def _colors(floors: Iterable[LossFloor]) -> dict[LossFloor, str]:
    counts = {True: 0, False: 0}
    colors = {}
    for one in floors:
        shades = HARD if one.is_hard else SOFT
        colors[one] = shades[counts[one.is_hard] % len(shades)]
        counts[one.is_hard] += 1
    return colors


# --- marks on paper -------------------------------------------------------------------------------------


def _words(
    x: float,
    y: float,
    text: str,
    *,
    color: str = INK,
    size: int = 12,
    weight: int = 400,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _rule(x1: float, y1: float, x2: float, y2: float, color: str, *, dash: str = "", hover: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{color}"{dashes}>{_hover(hover)}</line>'


def _hover(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""


def _approved(x: float, y: float, hover: str = "") -> str:
    return (
        f'<g>{_hover(hover)}<circle cx="{x}" cy="{y}" r="7" fill="{GOOD}" stroke="#fff" stroke-width="1.5"/>'
        f'<path d="M{x - 3.2:.1f} {y + 0.2:.1f}l2.3 2.5l4.2 -5" fill="none" stroke="#fff" '
        'stroke-width="1.7"/></g>'
    )


def _refused(x: float, y: float, hover: str = "") -> str:
    return (
        f'<g>{_hover(hover)}<circle cx="{x}" cy="{y}" r="7" fill="{BAD}" stroke="#fff" stroke-width="1.5"/>'
        f'<path d="M{x - 2.8:.1f} {y - 2.8:.1f}l5.6 5.6m0 -5.6l-5.6 5.6" fill="none" stroke="#fff" '
        'stroke-width="1.7"/></g>'
    )
