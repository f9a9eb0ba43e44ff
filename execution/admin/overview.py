"""How accounts stand, many at once: what lists, pages and the home page show of them.

The numbers come through the same door as an order's: `execution.enforcement_service`.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from enforcement.account import AccountState
from enforcement.decision import FloorRoom
from enforcement.engine import Standing, evaluate_account
from execution.enforcement_service import Facts, load
from execution.models import VenueAccount
from firms.admin.display import NOTHING, Tone, badge, cell, money, number, signed, signed_money
from firms.admin.pausing import key_in_words
from firms.admin.words import distance_of, name_of
from firms.models import Account, Flag, FlagKey, Scope

_AMBER, _RED = Decimal("0.5"), Decimal("0.2")  # of the floor's whole distance
_FLAG_TONES: dict[str, Tone] = {FlagKey.FAILED: Tone.BAD, FlagKey.KILL: Tone.BAD}
FULL = 100


@dataclass(frozen=True, slots=True)
class Overview:
    """One account at one instant. `facts` is None where they can't be put together; `problem` says why."""

    account: Account
    facts: Facts | None
    standing: Standing | None
    flags: tuple[Flag, ...]
    is_paper: bool
    problem: str = ""

    @property
    def currency(self) -> str:
        return self.account.program.currency

    @property
    def state(self) -> AccountState | None:
        return None if self.facts is None else self.facts.state

    @property
    def equity(self) -> Decimal | None:
        return None if self.state is None else self.state.equity

    @property
    def day_profit(self) -> Decimal | None:
        """Equity less the balance at the day's start; None while that is not known."""
        if self.state is None or self.state.day_start_balance is None:
            return None
        return self.state.equity - self.state.day_start_balance

    @property
    def room(self) -> Decimal | None:
        return None if self.standing is None else self.standing.room

    @property
    def binding(self) -> FloorRoom | None:
        return None if self.standing is None else self.standing.binding

    @property
    def state_word(self) -> str:
        """running, paused, locked, failed, off: under which of them the account is counted."""
        keys = {flag.key for flag in self.flags}
        if FlagKey.FAILED in keys:
            return "failed"
        if not self.account.is_active:
            return "off"
        if FlagKey.DAY_LOCK in keys:
            return "locked"
        return "paused" if keys else "running"


def overviews(accounts: Collection[Account], now: datetime) -> dict[int, Overview]:
    """The overview of each account, by id. A fixed number of queries, however many there are."""
    ids = [account.pk for account in accounts]
    loaded = load(ids, now)
    flags = _flags(accounts)
    paper = set(
        VenueAccount.objects.filter(account__in=ids, connection__venue="paper").values_list(
            "account", flat=True
        )
    )
    return {
        account.pk: _overview(account, loaded.get(account.pk), flags[account.pk], account.pk in paper, now)
        for account in accounts
    }


def _overview(
    account: Account, facts: Facts | Exception | None, flags: list[Flag], is_paper: bool, now: datetime
) -> Overview:
    if not isinstance(facts, Facts):
        problem = "" if facts is None else f"{type(facts).__name__}: {facts}"
        return Overview(account, None, None, tuple(flags), is_paper, problem)
    try:
        standing = evaluate_account(facts.context(now))
    except Exception as error:  # noqa: BLE001 - one account that can't be judged must not take the page down
        return Overview(account, None, None, tuple(flags), is_paper, f"{type(error).__name__}: {error}")
    return Overview(account, facts, standing, tuple(flags), is_paper)


def _flags(accounts: Collection[Account]) -> dict[int, list[Flag]]:
    rows = Flag.objects.filter(ended_at=None).filter(
        Q(scope=Scope.PLATFORM)
        | Q(firm__in={account.program.firm_id for account in accounts})
        | Q(program__in={account.program_id for account in accounts})
        | Q(account__in=[account.pk for account in accounts])
    )
    found: dict[int, list[Flag]] = defaultdict(list)
    open_flags = list(rows.select_related("raised_by").order_by("raised_at"))
    for account in accounts:
        found[account.pk] = [flag for flag in open_flags if _concerns(flag, account)]
    return found


def _concerns(flag: Flag, account: Account) -> bool:
    return (
        flag.scope == Scope.PLATFORM
        or flag.account_id == account.pk
        or (flag.program_id is not None and flag.program_id == account.program_id)
        or (flag.firm_id is not None and flag.firm_id == account.program.firm_id)
    )


# --- how it is written --------------------------------------------------------------------------------


def mode_badge(view: Overview) -> SafeString:
    """dry-run, paper or LIVE: whether an approved order really leaves."""
    if view.account.mode != Account.Mode.LIVE:
        return badge("dry-run", Tone.CALM, "Decided and recorded, never sent.")
    if view.is_paper:
        return badge("paper", Tone.INFO, "Filled by PropGuard's own simulation.")
    return badge("LIVE", Tone.BAD, "Approved orders go to the account's venue.")


def state_badges(view: Overview) -> SafeString:
    """running, or every flag that holds the account: what, at which level, by whom and why."""
    badges = (
        [badge("off", Tone.CALM, "Switched off: every entry is refused.")]
        if not view.account.is_active
        else []
    )
    badges += [flag_badge(flag) for flag in view.flags]
    if view.problem:
        badges.append(badge("can't be judged", Tone.BAD, view.problem))
    if not badges:
        badges = [badge("running", Tone.GOOD)]
    return format_html(
        '<span class="pg-badges">{}</span>', format_html_join(" ", "{}", ((b,) for b in badges))
    )


def flag_badge(flag: Flag) -> SafeString:
    who = f"by {flag.raised_by}" if flag.raised_by else f"by the system ({flag.cause})"
    scope = "" if flag.scope == Scope.ACCOUNT else f" · {flag.scope}"
    title = f"{who}, {flag.raised_at:%Y-%m-%d %H:%M} UTC: {flag.reason or flag.cause}"
    return badge(f"{key_in_words(flag)}{scope}", _FLAG_TONES.get(flag.key, Tone.WARN), title)


def money_cell(amount: Decimal | None, currency: str) -> SafeString:
    return cell(
        money(amount, currency) if amount is not None else "unknown",
        None if amount is not None else Tone.WARN,
    )


def profit_cell(amount: Decimal | None, currency: str) -> SafeString:
    if amount is None:
        return cell("unknown", Tone.WARN)
    tone = Tone.GOOD if amount > 0 else Tone.BAD if amount < 0 else None
    return cell(signed_money(amount, currency), tone)


def floor_cell(view: Overview) -> SafeString:
    """The floor with the least room, and where it is."""
    at = view.binding
    if at is None:
        return cell("no floor known", Tone.WARN)
    return format_html(
        '<span class="pg-two"><b class="pg-figure">{}</b><small>{}</small></span>',
        money(at.level, view.currency), name_of(at.floor),
    )  # fmt: skip


def room_cell(view: Overview) -> SafeString:
    """The room to the nearest floor in money, with a bar: full is the floor's whole distance."""
    if view.room is None or view.binding is None:
        return cell("unknown", Tone.WARN)
    return room_bar(view.binding, view.account.program.size, view.currency)


def room_bar(at: FloorRoom, size: Decimal, currency: str) -> SafeString:
    room, level = at.room, at.level
    if room is None or level is None:
        return cell("unknown", Tone.WARN)
    distance = distance_of(at.floor, level, size)
    share = room / distance if distance else Decimal(1)
    tone = Tone.BAD if share <= _RED else Tone.WARN if share <= _AMBER else Tone.GOOD
    width = int(max(Decimal(0), min(share, Decimal(1))) * FULL)
    return format_html(
        '<span class="pg-room" title="{} % of {}"><span class="pg-figure pg-text-{}">{}</span>'
        '<span class="pg-bar"><span class="pg-fill pg-{}" style="width: {}%"></span></span></span>',
        int(share * FULL), money(distance, currency), tone.value, money(room, currency), tone.value, width,
    )  # fmt: skip


def position_cell(view: Overview) -> SafeString | str:
    """What is held, signed: +2 NQ; flat when nothing is."""
    if view.facts is None:
        return NOTHING
    held = [(f"{signed(p.quantity)} {p.instrument.symbol}",) for p in view.facts.positions]
    working = sum((order.quantity for order in view.facts.working), Decimal(0))
    parts = format_html_join(" ", '<b class="pg-figure">{}</b>', held) or cell("flat")
    if working:
        return format_html("{} <small>{} working</small>", parts, number(working))
    return parts
