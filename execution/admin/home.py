"""The home page: how every account stands, what is open, what was decided last."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from execution import heartbeats
from execution.admin.decision import verdict_badge, wish_in_words
from execution.admin.overview import (
    Overview,
    floor_cell,
    mode_badge,
    money_cell,
    overviews,
    position_cell,
    profit_cell,
    room_cell,
    state_badges,
)
from execution.clock import database_now
from execution.models import Alarm, Decision, Exit, Heartbeat, NewsEvent, Signal, SignalSource
from firms.admin.display import NOTHING, ago, link, list_of, moment, until, whole_money
from firms.models import Account

SHOWN_ACCOUNTS = 12
SHOWN_DECISIONS = 10


def environment(request: HttpRequest) -> tuple[str, str] | None:
    """The label on every page: whether anything here can reach a real broker."""
    if not request.user.is_authenticated:
        return None
    return ("LIVE", "danger") if _is_anything_live() else ("paper and dry-run", "info")


def open_numbers(request: HttpRequest) -> dict[str, int]:
    """What is open and wants a person, by model: the sidebar's badges. Only what the user may see."""
    if not request.user.is_authenticated:
        return {}
    numbers = {}
    if _may_see(request, "execution.alarm"):
        numbers["execution.alarm"] = Alarm.objects.filter(closed_at=None).count()
    if _may_see(request, "execution.exit"):
        numbers["execution.exit"] = Exit.objects.filter(done_at=None).count()
    return numbers


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's dashboard callback. A fixed number of queries, however many accounts there are."""
    now = timezone.now()
    context |= {"title": "Home", "is_live": _is_anything_live(), "cards": [], "accounts": [], "decisions": []}
    if _may_see(request, "firms.account"):
        _add_accounts(context, now)
    context["cards"] += _watch_cards(request, now)
    if _may_see(request, "execution.decision"):
        context["decisions"] = _last_decisions(now)
    if _may_see(request, "execution.heartbeat"):
        context["cards"].append(_heartbeat_card())
    context["all_accounts"], context["all_decisions"] = list_of(Account), list_of(Decision)
    context["next_steps"] = _next_steps(request, context)
    return context


def _heartbeat_card() -> dict[str, object]:
    """One figure: nobody has to read eight names to learn that all is well."""
    ages = heartbeats.ages(database_now())
    silent = [name for name, age in ages.items() if heartbeats.is_silent(name, age)]
    figure = f"{len(silent)} silent" if silent else "all alive"
    about = ", ".join(silent or ages)
    return _card("Workers", figure, "monitor_heart", about, list_of(Heartbeat), bad=bool(silent))


def _is_anything_live() -> bool:
    live = Account.objects.filter(mode=Account.Mode.LIVE, is_active=True)
    return live.exclude(venue_account__connection__venue="paper").exists()


def _may_see(request: HttpRequest, model: str) -> bool:
    app, name = model.split(".")
    return any(request.user.has_perm(f"{app}.{verb}_{name}") for verb in ("view", "change"))


def _add_accounts(context: dict[str, Any], now: datetime) -> None:
    accounts = list(Account.objects.select_related("program__firm", "trader"))
    views = list(overviews(accounts, now).values())
    words = Counter(view.state_word for view in views)
    context["cards"] += [
        _card("Accounts", len(views), "check_circle", _in_words(words), list_of(Account)),
        _card(
            "Equity", _total(views), "account_balance",
            _how_known(views), list_of(Account),
        ),
    ]  # fmt: skip
    trading = [view for view in views if view.state_word not in ("failed", "off")]
    context["account_total"] = len(views)
    context["accounts"] = [_account_row(view) for view in sorted(trading, key=_least_room)[:SHOWN_ACCOUNTS]]


def _least_room(view: Overview) -> tuple[bool, Decimal]:
    """What is not known comes first: nobody knows how near it is."""
    return (view.room is not None, view.room or Decimal(0))


def _in_words(words: Counter[str]) -> str:
    order = ("running", "paused", "locked", "failed", "off")
    return " · ".join(f"{words[word]} {word}" for word in order if words[word]) or "none yet"


def _total(views: list[Overview]) -> str:
    """The sum in each currency; different currencies are never added."""
    totals: dict[str, Decimal] = {}
    for view in views:
        if view.equity is not None:
            totals[view.currency] = totals.get(view.currency, Decimal(0)) + view.equity
    return (
        " + ".join(
            whole_money(total.quantize(Decimal(1)), currency) for currency, total in sorted(totals.items())
        )
        or NOTHING
    )


def _how_known(views: list[Overview]) -> str:
    unknown = sum(view.equity is None for view in views)
    return f"{unknown} not known" if unknown else "balance and what is open"


def _account_row(view: Overview) -> dict[str, object]:
    return {
        "link": link(view.account),
        "program": view.account.program,
        "mode": mode_badge(view),
        "state": state_badges(view),
        "equity": money_cell(view.equity, view.currency),
        "day": profit_cell(view.day_profit, view.currency),
        "floor": floor_cell(view),
        "room": room_cell(view),
        "position": position_cell(view),
    }


def _watch_cards(request: HttpRequest, now: datetime) -> list[dict[str, object]]:
    cards = []
    if _may_see(request, "execution.alarm"):
        alarms = Alarm.objects.filter(closed_at=None).count()
        text = "somebody must look" if alarms else "nothing to see to"
        cards.append(
            _card(
                "Open alarms",
                alarms,
                "notifications_active",
                text,
                list_of(Alarm, "state=open"),
                bad=alarms > 0,
            )
        )
    if _may_see(request, "execution.exit"):
        exits = Exit.objects.filter(done_at=None).count()
        text = "being worked" if exits else "every position is where it should be"
        cards.append(_card("Open exits", exits, "logout", text, list_of(Exit, "state=open"), bad=exits > 0))
    if _may_see(request, "execution.signal"):
        last = Signal.objects.select_related("source").order_by("-pk").first()
        if last is None:
            cards.append(
                _card("Last webhook", "none yet", "sensors", "no alert has arrived", list_of(Signal))
            )
        else:
            about = f"{last} from {last.source}"
            cards.append(_card("Last webhook", ago(last.received_at, now), "sensors", about, list_of(Signal)))
    if _may_see(request, "execution.newsevent"):
        cards += _next_release(now)
    return cards


def _next_release(now: datetime) -> list[dict[str, object]]:
    """The next release of high impact; no card where nobody keeps a calendar."""
    ahead = NewsEvent.objects.filter(at__gte=now, impact=NewsEvent.Impact.HIGH).order_by("at").first()
    if ahead is None:
        return []
    return [
        _card("Next release", until(ahead.at, now), "newspaper", str(ahead), list_of(NewsEvent, "when=ahead"))
    ]


def _card(
    title: str, figure: object, icon: str, about: str, address: str, *, bad: bool = False
) -> dict[str, object]:
    return {"title": title, "figure": figure, "icon": icon, "about": about, "address": address, "bad": bad}


def _last_decisions(now: datetime) -> list[dict[str, object]]:
    rows = Decision.objects.select_related("account__program").order_by("-pk")[:SHOWN_DECISIONS]
    return [
        {
            "ago": ago(row.decided_at, now),
            "at": moment(row.decided_at),
            "verdict": verdict_badge(row),
            "account": link(row.account),
            "wish": link(row, wish_in_words(row)),
            "reason": row.reason or "every rule passed",
        }
        for row in rows
    ]


def _next_steps(request: HttpRequest, context: dict[str, Any]) -> list[tuple[str, str]]:
    """On an empty installation: what to do first."""
    if context.get("account_total") or not request.user.has_perm("firms.add_account"):
        return []
    counts = SignalSource.objects.aggregate(
        all=Count("pk"), with_secret=Count("pk", filter=~Q(secret_sha256=""))
    )
    steps = [("Open an account", f"{list_of(Account)}add/")]
    if not counts["with_secret"]:
        steps.append(("Create a source, and copy its secret", f"{list_of(SignalSource)}add/"))
    return steps
