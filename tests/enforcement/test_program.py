"""What holds where a program, a rule or an owner says nothing. A changed default changes decisions."""

from datetime import time
from decimal import Decimal

import pytest

from enforcement.floors import Boundary
from enforcement.program import (
    ConsistencyRule,
    FlatBy,
    GuardPolicy,
    HedgeBy,
    HedgeScope,
    HedgingRule,
    HoldsOverReset,
    NewsRule,
)
from tests.enforcement.make import make_guard, make_terms

pytestmark = pytest.mark.core


def test_the_guard_is_on_unless_its_owner_changes_it() -> None:
    guard = GuardPolicy()
    assert (guard.slippage_ticks, guard.commission_per_side) == (2, Decimal("2.50"))
    assert (guard.floor_buffer, guard.floor_buffer_share, guard.no_stop_ticks) == (0, 0, None)
    assert (guard.block_at_floor, guard.count_run_up, guard.holds_over_reset) == (True, True, None)
    assert (guard.max_state_age_seconds, guard.max_signal_age_seconds) == (900, 300)
    assert (guard.duplicate_window_seconds, guard.max_entries_per_minute) == (20, None)


def test_a_program_that_says_nothing_takes_no_minute_and_asks_for_no_stop() -> None:
    terms = make_terms()
    assert (terms.no_entry_minutes, terms.early_close_lead_minutes) == (0, 0)
    assert FlatBy(at=time(15, 10), zone="America/Chicago").lead_minutes == 0
    assert (terms.stop_required, terms.scaling_may_fall) == (False, True)


def test_a_news_rule_shuts_entries_only_and_a_hedging_rule_bears_with_nothing() -> None:
    news = NewsRule(before_seconds=120, after_seconds=120)
    assert not any((news.exits_restricted, news.must_be_flat, news.straddles_only))
    hedging = HedgingRule(scope=HedgeScope.TRADER)
    assert (hedging.by, hedging.grace_seconds, hedging.same_product_inside) == (HedgeBy.UNDERLYING, 0, False)


def test_the_share_of_a_consistency_rule_itself_passes() -> None:
    assert ConsistencyRule(measure="net_profit", share=Decimal("0.3")).passes is Boundary.AT


@pytest.mark.parametrize(
    ("owner", "overnight", "holds"),
    [
        (None, True, HoldsOverReset.ALWAYS),
        (None, None, HoldsOverReset.ALWAYS),
        (None, False, HoldsOverReset.NEVER),
        (HoldsOverReset.ASK, False, HoldsOverReset.ASK),
        (HoldsOverReset.NEVER, True, HoldsOverReset.NEVER),
    ],
    ids=["allowed overnight", "not published", "not allowed", "the owner asks", "the owner never holds"],
)
def test_the_next_reset_counts_unless_nothing_may_be_held_over_it(
    owner: HoldsOverReset | None, overnight: bool | None, holds: HoldsOverReset
) -> None:
    assert make_guard(holds_over_reset=owner).holds(make_terms(overnight=overnight)) is holds
