"""Trades in a day, losses in a row, a pause after a loss, and enough won for today."""

from typing import Any

import pytest

from enforcement.account import AccountState
from enforcement.decision import FIRM, OWNER, Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import (
    NOON,
    Number,
    Row,
    exact,
    judged,
    make_context,
    make_state,
    make_terms,
    make_working,
    seconds,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "trade_count")
PASS, DENY, UNDETERMINED = Outcome.PASS, Outcome.DENY, Outcome.UNDETERMINED
A_DAY = 24 * 3600


def row(
    name: str, code: str, outcome: Outcome, state: AccountState | None, limits: dict[str, Any], **fields: Any
) -> Row:
    ctx = make_context(state=state, terms=make_terms(**limits), **fields)
    return Row(name, ctx, outcome, f"trade_count.{code}", "rate")


def trades(name: str, code: str, outcome: Outcome, opened: int, **fields: Any) -> Row:
    """Three trades a day are allowed; so many were opened."""
    return row(name, code, outcome, make_state(trades_today=opened), {"max_trades_per_day": 3}, **fields)


def losses(name: str, code: str, outcome: Outcome, lost: int, *, ago: float | None = 3600) -> Row:
    """Two losses in a row end the day; so many were made, the last one so many seconds ago."""
    last = None if ago is None else NOON - seconds(ago)
    state = make_state(losses_in_a_row=lost, last_loss_at=last)
    return row(name, code, outcome, state, {"max_losses_in_a_row": 2})


def cool_off(name: str, code: str, outcome: Outcome, ago: float | None) -> Row:
    """Fifteen minutes of pause after a loss."""
    state = make_state(last_loss_at=None if ago is None else NOON - seconds(ago))
    return row(name, code, outcome, state, {"cool_off_minutes": 15})


def won(name: str, code: str, outcome: Outcome, equity: Number, start: Number | None = 50_000) -> Row:
    """A day's profit of 1,000 is kept."""
    return row(
        name, code, outcome, make_state(exact(equity) or 0, day_start_balance=start), {"profit_lock": 1000}
    )


ROWS = [
    row("nothing is limited", "not_set", PASS, make_state(trades_today=1000), {}),
    trades("the third of three", "within", PASS, 2),
    trades("the fourth of three", "trades", DENY, 3),
    trades("the third, while another is working", "trades", DENY, 2, working=(make_working(),)),
    trades("the second, while another is working", "within", PASS, 1, working=(make_working(),)),
    trades("an exit opens no trade", "reduces", PASS, 3, reduces=True),
    row("no trade at all is allowed", "trades", DENY, make_state(), {"max_trades_per_day": 0}),
    row("nothing is known of the account", "unknown", UNDETERMINED, None, {"max_trades_per_day": 3}),
    losses("one loss", "within", PASS, 1),
    losses("two losses in a row", "losses", DENY, 2),
    losses("three of them", "losses", DENY, 3),
    losses("two, but the last was yesterday", "within", PASS, 2, ago=A_DAY),
    losses("two, the last one just after this day's reset", "losses", DENY, 2, ago=18 * 3600),
    losses("two, the last one a second before it", "within", PASS, 2, ago=18 * 3600 + 1),
    losses("two, and nobody knows when", "within", PASS, 2, ago=None),
    cool_off("no loss yet", "within", PASS, None),
    cool_off("a second after a loss", "cooling_off", DENY, 1),
    cool_off("a second before the pause ends", "cooling_off", DENY, 899),
    cool_off("exactly at its end", "within", PASS, 900),
    won("a cent before the lock", "within", PASS, "50999.99"),
    won("a profit exactly at the lock", "profit_locked", DENY, 51_000),
    won("a cent beyond it", "profit_locked", DENY, "51000.01"),
    won("a losing day", "within", PASS, 49_000),
    won("the day's opening balance was not seen", "day_unknown", UNDETERMINED, 51_000, None),
    row(
        "trades come before profits", "trades", DENY, make_state(51_000, trades_today=3),
        {"max_trades_per_day": 3, "profit_lock": 1000},
    ),
]  # fmt: skip


@table(ROWS)
def test_one_too_many_is_refused(row: Row) -> None:
    judged(RULE, row)


def test_trades_are_the_firms_word_and_the_rest_the_owners() -> None:
    whose = {
        row.code: RULE.check(row.ctx).by
        for row in ROWS
        if row.outcome is not PASS and row.ctx.state is not None
    }
    assert whose == {
        "trade_count.trades": FIRM, "trade_count.losses": OWNER, "trade_count.cooling_off": OWNER,
        "trade_count.profit_locked": OWNER, "trade_count.day_unknown": OWNER,
    }  # fmt: skip


def test_the_messages_count_in_trades_minutes_and_money() -> None:
    said = {row.id: explain(RULE.check(row.ctx)) for row in ROWS}
    assert said["the fourth of three"] == "3 trades were opened today, 3 are allowed."
    assert said["a second before the pause ends"] == (
        "The last loss was 14 minutes ago; you want to wait 15 minutes."
    )
    assert said["a profit exactly at the lock"] == (
        "Today's profit is $1,000.00; from $1,000.00 on you want to keep it."
    )
