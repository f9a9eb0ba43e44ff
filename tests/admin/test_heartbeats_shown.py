"""What the home page and the list say of each part's signs of life; what an account's warnings may be."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from execution import heartbeats
from execution.admin.heartbeat import beat_badge
from execution.models import Heartbeat
from firms.models.account import validate_percents
from tests.make import make_account


def card(client: Client) -> str:
    """The words of the home page's card about the workers."""
    page = client.get("/admin/").content.decode()
    words = re.sub(r"<[^>]+>", " ", page[page.index("Workers<") :][:900])
    return " ".join(words.split())


def test_a_part_that_never_said_a_word_is_silent(admin_client: Client) -> None:
    assert f"{len(heartbeats.LIMITS)} silent {', '.join(heartbeats.LIMITS)}" in card(admin_client)


def test_a_part_past_its_limit_is_named_and_a_cluster_that_ended_is_only_gone(admin_client: Client) -> None:
    for name in (*heartbeats.LIMITS, "cluster here 100"):
        heartbeats.beat(name)
    assert "all alive" in card(admin_client)
    late = timezone.now() - max(heartbeats.LIMITS.values()) - timedelta(seconds=1)
    Heartbeat.objects.filter(name__in=["queue", "cluster here 100"]).update(at=late)
    assert "1 silent queue" in card(admin_client)
    assert "gone" in str(beat_badge(Heartbeat.objects.get(name="cluster here 100")))


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
