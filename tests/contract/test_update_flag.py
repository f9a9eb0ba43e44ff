"""`update_flag`: one flag for every account on a program, present and future, touching nothing else."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from execution.enforcement_service import load as load_facts
from execution.enforcement_service import standings
from firms.models import Account, AccountState, AuditEntry, Flag, Program
from firms.services import UnknownProgram, open_flags_on, raise_flag, update_flag
from tests.make import make_account, make_firm, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Program:
    return make_program("FTMO", 1)


def open_flags() -> list[tuple[str, str, str]]:
    return sorted(Flag.objects.filter(ended_at=None).values_list("scope", "key", "cause"))


def flags_seen_by_the_rules(account: Account) -> list[tuple[str, str, str]]:
    facts = load_facts([account.pk], timezone.now())[account.pk]
    assert not isinstance(facts, Exception)
    return [(flag.scope, flag.key, flag.cause) for flag in facts.flags]


PAUSED = ("program", "paused", "manual")


def test_true_raises_one_flag_on_the_program_with_the_cause_manual(program: Program) -> None:
    update_flag("FTMO", 1, "paused", True)
    flag = Flag.objects.get()
    assert (flag.scope, flag.program, flag.key, flag.cause) == ("program", program, "paused", "manual")
    assert flag.is_open
    assert (flag.account, flag.firm) == (None, None)


def test_it_holds_for_present_and_future_accounts_of_the_program(program: Program) -> None:
    present = make_account("present", program)
    update_flag("FTMO", 1, "paused", True)
    future = make_account("future", program, trader="Bo")
    assert flags_seen_by_the_rules(present) == [PAUSED]
    assert flags_seen_by_the_rules(future) == [PAUSED]


def test_other_programs_are_not_concerned(program: Program) -> None:
    neighbour = make_account("neighbour", make_program("FTMO", 2))
    elsewhere = make_account("elsewhere", make_program("APEX", 1))
    update_flag("FTMO", 1, "paused", True)
    assert flags_seen_by_the_rules(neighbour) == flags_seen_by_the_rules(elsewhere) == []


def test_false_ends_it_and_only_it(program: Program) -> None:
    account = make_account("FTMO-1", program)
    raise_flag(None, "kill")
    raise_flag(make_firm("FTMO"), "paused")
    raise_flag(account, "paused")
    raise_flag(program, "paused", cause="monitor")
    raise_flag(program, "under_review")
    others = open_flags()
    update_flag("FTMO", 1, "paused", True)
    assert open_flags() == sorted([*others, PAUSED])
    update_flag("FTMO", 1, "paused", False)
    assert open_flags() == others
    assert len(open_flags_on(account)) == len(others)


def test_any_other_open_flag_still_holds(program: Program) -> None:
    account = make_account("FTMO-1", program)
    raise_flag(program, "paused", cause="monitor")
    update_flag("FTMO", 1, "paused", False)
    assert flags_seen_by_the_rules(account) == [("program", "paused", "monitor")]


def test_repeating_changes_nothing(program: Program) -> None:
    update_flag("FTMO", 1, "paused", True)
    first = Flag.objects.get()
    update_flag("FTMO", 1, "paused", True)
    assert Flag.objects.get().raised_at == first.raised_at
    update_flag("FTMO", 1, "paused", False)
    ended = Flag.objects.get().ended_at
    update_flag("FTMO", 1, "paused", False)
    assert Flag.objects.get().ended_at == ended
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "paused.raised", "paused.ended",
    ]  # fmt: skip


def test_ending_what_was_never_raised_raises_nothing(program: Program) -> None:
    update_flag("FTMO", 1, "paused", False)
    assert not Flag.objects.exists()


def test_a_flag_raised_again_is_a_new_fact_and_the_old_one_stays_on_record(program: Program) -> None:
    for value in (True, False, True):
        update_flag("FTMO", 1, "paused", value)
    assert Flag.objects.count() == 2
    assert open_flags() == [PAUSED]


@pytest.mark.parametrize("key", ["paused", "day_lock", "failed", "under_review"])
def test_any_flag_may_be_set(program: Program, key: str) -> None:
    update_flag("FTMO", 1, key, True)
    assert open_flags() == [("program", key, "manual")]
    update_flag("FTMO", 1, key, False)
    assert open_flags() == []


@pytest.mark.parametrize("value", [True, False])
def test_it_stamps_last_update_and_nothing_else_of_the_program(program: Program, value: bool) -> None:
    account = make_account("FTMO-1", program)
    before: dict[str, Any] = dict(Program.objects.filter(pk=program.pk).values().get())
    state = AccountState.objects.filter(pk=account.pk).values().get()
    started = timezone.now()
    update_flag("FTMO", 1, "paused", value)
    after: dict[str, Any] = dict(Program.objects.filter(pk=program.pk).values().get())
    assert before["last_update"] is None
    assert started <= after.pop("last_update") <= timezone.now()
    assert {key: before[key] for key in after} == after
    assert AccountState.objects.filter(pk=account.pk).values().get() == state, "freshness goes by as_of"


def test_the_accounts_standing_is_untouched(program: Program) -> None:
    account = make_account("FTMO-1", program)
    now = timezone.now()
    before = standings([account.pk], now)
    update_flag("FTMO", 1, "paused", True)
    assert standings([account.pk], now) == before


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(("firm", "number"), [("FTMO", 2), ("APEX", 1), ("ftmo", 1), ("", 0)])
def test_an_unknown_program_is_an_error(program: Program, firm: str, number: int, value: bool) -> None:
    """A pause that reached nothing must not look like one that did."""
    with pytest.raises(UnknownProgram, match=f"{firm}/{number}"):
        update_flag(firm, number, "paused", value)
    assert not Flag.objects.exists()
    assert issubclass(UnknownProgram, LookupError)


@pytest.mark.parametrize("value", ["true", "false", 1, 0, None, [], "yes"])
def test_a_value_that_is_no_bool_is_an_error(program: Program, value: Any) -> None:
    with pytest.raises(TypeError):
        update_flag("FTMO", 1, "paused", value)
    assert not Flag.objects.exists()


@pytest.mark.parametrize("key", ["", "Paused", "pau sed", "1st", "x" * 41, "paused\n"])
def test_a_key_that_can_be_no_flag_is_an_error(program: Program, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        update_flag("FTMO", 1, key, True)
    assert not Flag.objects.exists()


# --- at the same time ---------------------------------------------------------------------------------


def at_once(*acts: Callable[[], None]) -> list[BaseException]:
    """Run each in a thread and on a connection of its own, let go together; what they raised."""
    gate, errors = threading.Barrier(len(acts)), []

    def run(act: Callable[[], None]) -> None:
        try:
            gate.wait(timeout=10)
            act()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    return errors


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_the_same_flag_raised_four_times_at_once_is_one_flag(program: Program, round_: int) -> None:
    assert at_once(*[lambda: update_flag("FTMO", 1, "paused", True)] * 4) == []
    assert open_flags() == [PAUSED]
    assert Flag.objects.count() == 1
    assert AuditEntry.objects.filter(action="paused.raised").count() == 1


@pytest.mark.django_db(transaction=True)
def test_different_flags_raised_at_once_are_all_kept(program: Program) -> None:
    keys = ["paused", "kill", "under_review", "day_lock"]
    assert at_once(*[lambda key=key: update_flag("FTMO", 1, key, True) for key in keys]) == []
    assert [key for _, key, _ in open_flags()] == sorted(keys)


@pytest.mark.django_db(transaction=True)
def test_raised_and_ended_at_once_one_of_the_two_was_last(program: Program) -> None:
    update_flag("FTMO", 1, "paused", True)
    errors = at_once(
        lambda: update_flag("FTMO", 1, "paused", False), lambda: update_flag("FTMO", 1, "paused", True)
    )
    assert errors == []
    assert open_flags() in ([], [PAUSED])
    update_flag("FTMO", 1, "paused", False)
    assert open_flags() == []


@pytest.mark.django_db(transaction=True)
def test_ended_twice_at_once_is_ended_once(program: Program) -> None:
    update_flag("FTMO", 1, "paused", True)
    assert at_once(*[lambda: update_flag("FTMO", 1, "paused", False)] * 2) == []
    assert open_flags() == []
    assert AuditEntry.objects.filter(action="paused.ended").count() == 1
