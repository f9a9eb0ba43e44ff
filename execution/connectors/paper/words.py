"""What of an account on paper is simulated, in words for whoever looks at its figures."""

from execution.connectors.paper.book import Book
from execution.models import PaperSettings

_INDICATIVE = (
    "the value is indicative. No mark has come since the last fill, and stops and targets are worked by "
    "marks only."
)


def simulated(settings: PaperSettings) -> str:
    """One paragraph: what fills how, and what no simulation here knows of."""
    latency = "at once"
    if settings.latency_max_ms:
        latency = f"{settings.latency_min_ms} to {settings.latency_max_ms} ms later"
    costs = "half the spread and slippage against you" if settings.has_costs else "no spread or slippage"
    parts = "large ones in parts" if settings.fills_in_parts else "whole whatever their size"
    hours = "rejected" if settings.rejects_when_closed else "taken"
    return (
        f"Simulated here: market orders fill {latency} at the last mark with {costs}, {parts}; stops at the "
        "mark that reaches them, gap included; targets when traded through, "
        f"{settings.touch_fills_percent} % of them at a touch; orders in a closed market are {hours}. "
        "Not simulated: the order book, margin, currency conversion, settlement."
    )


def remarks(book: Book) -> list[str]:
    """What to know of its figures: what is simulated, what is only indicative, a failure made on purpose."""
    found = [simulated(book.settings)]
    held = book.positions().exclude(quantity=0).filter(is_marked=False)
    if symbols := sorted(held.values_list("symbol", flat=True)):
        found.append(f"{', '.join(symbols)}: {_INDICATIVE}")
    if book.settings.failure:
        found.append(f"A failure is simulated: {book.settings.get_failure_display()}.")
    return found
