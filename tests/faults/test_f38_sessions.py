"""F38: somebody else logs in, and the venue ends our session."""

import pytest

from execution import reconcile
from execution.order_state import OrderStatus as S
from tests.fakevenue.connector import LOG_INS_PER_HOUR
from tests.faults.trading import AT_ONCE, Trading

pytestmark = pytest.mark.process


def test_f38_an_order_that_met_the_end_of_the_session_was_not_processed(trading: Trading) -> None:
    trading.venue.do("kick")
    order = trading.order()
    assert order.status == S.REJECTED
    assert trading.venue.held("A-1") == 0
    trading.supervise()
    assert trading.settle(trading.order(entry_price="20000.50")) is S.FILLED
    trading.check()


def test_f38_there_is_no_log_in_war_and_a_person_is_told(
    trading: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "SILENT_AFTER", AT_ONCE)
    for _ in range(LOG_INS_PER_HOUR + 5):
        trading.venue.do("kick")
        trading.look()
        trading.look()
    assert len(trading.venue.asked("login")) <= LOG_INS_PER_HOUR
    assert "venue_silent" in trading.alarms()
    assert trading.is_blocked()
