"""How accounts stand, many at once: what lists, pages and the home page show of them.

The numbers come through the same door as an order's: `execution.enforcement_service`.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from enforcement.account import AccountState
from enforcement.calendar import session_at
from enforcement.decision import FloorRoom
from enforcement.engine import Standing, evaluate_account
from enforcement.program import ProgramTerms
from enforcement.trading_window import Window, window_of
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
    rows = Flag.objects.filter(Flag.open_at(timezone.now())).filter(
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
    until = f" until {flag.until:%Y-%m-%d %H:%M} UTC" if flag.until else ""
    title = f"{who}, {flag.raised_at:%Y-%m-%d %H:%M} UTC{until}: {flag.reason or flag.cause}"
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
    if not distance:  # it moves with profit that is not at hand here: no bar says how full it is
        return cell(money(room, currency), Tone.BAD if room <= 0 else None)
    share = room / distance
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


# --- when entries are possible --------------------------------------------------------------------------

_HOURS_AHEAD = 14 * 24


def trading_now(view: Overview, now: datetime) -> tuple[object, str]:
    """Whether positions may be opened now, and until when or from when: figure and words."""
    locked = [flag.until for flag in view.flags if flag.key == FlagKey.DAY_LOCK and flag.until is not None]
    if locked:
        return cell("locked", Tone.BAD), f"for the day, until {_short(max(locked))}"
    if view.facts is None:
        return cell("unknown", Tone.WARN), "the program's rules can't be had"
    terms = view.facts.terms
    figure, about = _hours_now(terms, now)
    if terms.allowed_sessions is not None:
        names = ", ".join(session.name for session in terms.allowed_sessions) or "none"
        if session_at(now, terms.allowed_sessions) is None:
            figure = cell("closed", Tone.WARN)
        about = f"{about}; sessions: {names}"
    return figure, about


def _hours_now(terms: ProgramTerms, now: datetime) -> tuple[SafeString, str]:
    window = window_of(terms, now, "")
    if window is None:
        return cell("open", Tone.GOOD), "at any hour"
    if window.lets_open(now):
        end = f"until {_short(window.last_entry)}"
        if window.flat is not None:
            end += f", flat by {_short(window.flat)}"
        return cell("open", Tone.GOOD), end + _because(window) + _early_closes(terms, now, window)
    following = next_opening(terms, now)
    if following is None:
        return cell("closed", Tone.WARN), "no opening in the next two weeks"
    return cell("closed", Tone.WARN), f"opens {_short(following.opens)}{_because(window)}"


def next_opening(terms: ProgramTerms, now: datetime) -> Window | None:
    """The first window ahead that lets positions be opened, looked for hour by hour; holidays have none."""
    for hours in range(1, _HOURS_AHEAD):
        window = window_of(terms, now + timedelta(hours=hours), "")
        if window is not None and now < window.opens < window.last_entry:
            return window
    return None


def _because(window: Window) -> str:
    return f" ({window.closure})" if window.closure else ""


def _early_closes(terms: ProgramTerms, now: datetime, usual: Window) -> str:
    """Groups of products that close earlier today than the rest."""
    told = []
    for group in sorted({closure.group for closure in terms.closures if closure.group}):
        own = window_of(terms, now, group)
        if own is not None and own.last_entry < usual.last_entry:
            told.append(f"{group.replace('_', ' ')} until {_short(own.last_entry)}{_because(own)}")
    return "".join(f"; {one}" for one in told)


def _short(at: datetime) -> str:
    return f"{at:%a %d %b %H:%M} UTC"
