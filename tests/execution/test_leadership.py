"""One supervisor leads; who led before and wakes up writes nothing as the leader."""

import pytest
import time_machine
from django.db import connection, transaction

from execution.leadership import FileLeader, Leader, LeaseLeader, NotLeader, leader_here
from execution.models import Lease

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def may_write(leader: Leader) -> bool:
    try:
        with transaction.atomic():
            leader.confirm()
    except NotLeader:
        return False
    return True


def test_the_first_leads_and_the_second_waits_for_its_lease_to_run_out(clock: time_machine.Traveller) -> None:
    first, second = LeaseLeader(), LeaseLeader()
    assert (first.is_leader(), second.is_leader()) == (True, False)
    clock.shift(10)
    assert (first.is_leader(), second.is_leader()) == (True, False)  # renewed
    clock.shift(15)
    assert second.is_leader() is False  # to its very end
    clock.shift(0.001)
    assert (second.is_leader(), first.is_leader()) == (True, False)


def test_each_new_leader_has_a_higher_number_and_renewing_keeps_it(clock: time_machine.Traveller) -> None:
    fences = []
    for leader in (LeaseLeader(), LeaseLeader()):
        leader.is_leader()
        clock.shift(5)
        assert leader.is_leader()
        fences.append(leader.fence)
        clock.shift(16)
    assert fences == [1, 2]


def test_one_that_never_led_may_not_write() -> None:
    assert may_write(LeaseLeader()) is False
    assert may_write(FileLeader()) is False


def test_a_lapsed_lease_that_nobody_took_is_still_its_holders(clock: time_machine.Traveller) -> None:
    leader = LeaseLeader()
    leader.is_leader()
    clock.shift(3600)
    assert may_write(leader)
    assert leader.is_leader()
    assert Lease.objects.get().fence == 1


def test_the_lock_file_has_one_holder_until_it_ends() -> None:
    first, second = FileLeader(), FileLeader()
    assert (first.is_leader(), second.is_leader(), first.is_leader()) == (True, False, True)
    assert (may_write(first), may_write(second)) == (True, False)
    assert first._file is not None
    first._file.close()  # what the end of its process does
    assert second.is_leader()
    assert second._file is not None
    second._file.close()


def test_the_database_decides_which_of_the_two_it_is() -> None:
    expected = LeaseLeader if connection.vendor == "postgresql" else FileLeader
    assert type(leader_here()) is expected
