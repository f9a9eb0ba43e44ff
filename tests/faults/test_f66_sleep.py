"""F66: the host sleeps eight hours, over a reset, with a position and an order open."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from enforcement.account import StateReport, StateSource
from execution import reports
from execution.models import Decision
from firms.models import AccountState
from tests.execution.make import close_signal, entry_signal, make_live_follower, route
from tests.make import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "venue")]

EIGHT_HOURS = 8 * 3600  # from noon in New York to after 17:00 in Chicago: the day has turned


def refusals(source: Any, **fields: Any) -> set[str]:
    signal = entry_signal(source, **fields)
    route(signal)
    decision = Decision.objects.get(signal=signal, leg="entry")
    return {f.code for f in decision.findings if f.outcome.blocks}


def report(account: Any, seconds: float) -> AccountState:
    at = NOON + timedelta(seconds=seconds)
    told = StateReport(balance=Decimal(50_200), equity=Decimal(50_200), as_of=at, source=StateSource.VENUE)
    return reports.post_state(account, told)


def test_f66_on_waking_entries_wait_until_money_and_anchors_are_known(clock: Any) -> None:
    source, account = make_live_follower(automation="auto", program={"daily_loss": 1000})
    clock.shift(EIGHT_HOURS)
    assert {"account_data_fresh.stale", "loss_floors.floor_unknown"} <= refusals(source, trade_id="1")
    clock.shift(1)
    state = report(account, EIGHT_HOURS + 1)
    assert (state.day_start_balance, state.last_close) == (None, None), "the reset was slept through"
    assert "loss_floors.floor_unknown" in refusals(source, trade_id="2")
    state = report(account, 6 * 3600 - 60)  # what the venue had to say a minute before the reset
    assert (state.day_start_balance, state.last_close, state.as_of) == (
        50_200, 50_200, NOON + timedelta(seconds=EIGHT_HOURS + 1),
    )  # fmt: skip
    assert not {code for code in refusals(source, trade_id="3") if code.startswith(("loss", "account"))}


def test_f66_an_alert_from_before_the_sleep_opens_nothing_and_an_exit_still_leaves(clock: Any) -> None:
    source, _ = make_live_follower(automation="auto")
    signal = entry_signal(source)
    clock.shift(EIGHT_HOURS)
    route(signal)
    assert not Decision.objects.get(signal=signal).allowed
    signal = close_signal(source)
    route(signal)
    assert Decision.objects.get(signal=signal).allowed
