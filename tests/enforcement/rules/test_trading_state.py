"""Flags: which one is named, and with which type."""

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import Row, judged, make_context, make_flag, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "trading_state")
PAUSE, LOCK = make_flag("paused"), make_flag("day_lock", cause="daily_loss")
FAILED, KILL = make_flag("failed", cause="drawdown"), make_flag("kill", scope="platform")


def row(name: str, code: str, breach_type: str, *flags: object, **fields: object) -> Row:
    outcome = Outcome.DENY if flags else Outcome.PASS
    return Row(name, make_context(flags=flags, **fields), outcome, f"trading_state.{code}", breach_type)


ROWS = [
    row("nothing is open", "active", "paused"),
    row("the account is paused", "paused", "paused", PAUSE),
    row("the program is paused", "paused", "paused", make_flag("paused", "program")),
    row("the firm is paused", "paused", "paused", make_flag("paused", "firm")),
    row("the platform is paused", "paused", "paused", make_flag("paused", "platform")),
    row("killed", "killed", "paused", KILL),
    row("locked for the day", "day_locked", "daily_loss", LOCK),
    row("failed by its drawdown", "failed", "drawdown", FAILED),
    row("failed by a hard daily limit", "failed", "daily_loss", make_flag("failed", cause="daily_loss")),
    row("failed, nobody says by what", "failed", "drawdown", make_flag("failed", cause="manual")),
    row("a flag nobody knows the meaning of", "flagged", "paused", make_flag("under_review")),
    row("failed outweighs a lock", "failed", "drawdown", PAUSE, LOCK, FAILED),
    row("a lock outweighs the kill switch", "day_locked", "daily_loss", KILL, LOCK),
    row("the kill switch outweighs a pause", "killed", "paused", PAUSE, KILL),
    row("a pause outweighs an unknown flag", "paused", "paused", make_flag("under_review"), PAUSE),
    row("an exit is judged the same way; the engine lets it pass", "paused", "paused", PAUSE, reduces=True),
]


@table(ROWS)
def test_an_open_flag_refuses(row: Row) -> None:
    judged(RULE, row)


def test_the_message_names_the_scope_and_what_the_person_wrote() -> None:
    finding = RULE.check(make_context(flags=(make_flag("paused", "firm", why="news at two"),)))
    assert explain(finding) == "The firm is paused (news at two)."


def test_without_a_persons_words_the_message_gives_the_cause() -> None:
    finding = RULE.check(make_context(flags=(make_flag("paused", "program"),)))
    assert explain(finding) == "The program is paused (manual)."
