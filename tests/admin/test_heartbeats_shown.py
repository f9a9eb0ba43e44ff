"""What the home page and the list say of each part's signs of life; what an account's warnings may be."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from execution import heartbeats
from execution.admin.heartbeat import beats_shown
from execution.models import Heartbeat
from firms.models.account import validate_percents
from tests.make import make_account


def words() -> dict[str, str]:
    return {
        str(shown["name"]): next(w for w in ("silent", "alive", "gone") if w in str(shown["state"]))
        for shown in beats_shown(timezone.now())
    }


@pytest.mark.django_db
def test_a_part_that_never_said_a_word_is_shown_as_silent() -> None:
    assert words() == dict.fromkeys(heartbeats.LIMITS, "silent")


@pytest.mark.django_db
def test_a_part_is_silent_past_its_limit_and_a_cluster_that_ended_is_gone() -> None:
    for name in (*heartbeats.LIMITS, "cluster here 100"):
        heartbeats.beat(name)
    assert words() == dict.fromkeys((*heartbeats.LIMITS, "cluster here 100"), "alive")
    Heartbeat.objects.update(at=timezone.now() - max(heartbeats.LIMITS.values()) - timedelta(seconds=1))
    assert words() == {**dict.fromkeys(heartbeats.LIMITS, "silent"), "cluster here 100": "gone"}


@pytest.mark.parametrize("text", ["50, 25, 10", "99", "1", "", " 5 ,"])
def test_percents_of_the_room_that_are_taken(text: str) -> None:
    validate_percents(text)


@pytest.mark.parametrize("text", ["0", "100", "12.5", "a", "-5", "50;25", "٥٠"])
def test_percents_of_the_room_that_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        validate_percents(text)


@pytest.mark.django_db
def test_shares_come_largest_first_and_once() -> None:
    account = make_account(warn_at_shares="10, 50,10")
    assert [str(share) for share in account.warning_shares] == ["0.5", "0.1"]
