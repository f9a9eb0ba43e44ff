"""`manage.py kill`: what it says, and that its exit status is 0 for nothing less than what was asked."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command

from execution import flattening
from execution.models import Kill
from firms.models import Account, Flag
from tests.execution.make import entry_signal, make_follower, route
from tests.execution.venue import Venue
from tests.make import make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(flattening, "BETWEEN_LOOKS", timedelta(0))
    source, account = make_follower(source=make_source())
    route(entry_signal(source))
    return account


def run(*arguments: str) -> tuple[int, list[str]]:
    """Its exit status and the lines it wrote."""
    out, status = StringIO(), 0
    try:
        call_command("kill", *arguments, stdout=out)
    except SystemExit as error:
        status = int(str(error.code))
    return status, out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("named", "scope"),
    [
        ((), "platform"), (("--firm", "APEX"), "firm"), (("--program", "APEX/1"), "program"),
        (("--account", "Apex-1"), "account"),
    ],
)  # fmt: skip
def test_it_closes_everything_in_its_scope_and_ends_with_flat(
    account: Account, venue: Venue, named: tuple[str, ...], scope: str
) -> None:
    status, lines = run(*named, "--reason", "runaway")
    assert (status, lines[0], lines[-1]) == (0, "engaged: no entry leaves any more", "flat")
    assert venue.held[account.pk, "NQ"] == 0
    assert (Flag.objects.get().scope, Flag.objects.get().reason) == (scope, "runaway")


def test_what_is_not_flat_in_time_is_status_one(account: Account, venue: Venue) -> None:
    venue.before = lambda what: (_ for _ in ()).throw(RuntimeError("gone")) if what == "positions" else None
    status, lines = run("--reason", "runaway", "--seconds", "0.3")
    assert status == 1
    assert "can't be read" in lines[-2]
    assert lines[-1].startswith("not done after 0.3 s; the switch stays on")


def test_no_flatten_leaves_the_position(account: Account, venue: Venue) -> None:
    assert run("--no-flatten", "--reason", "stop")[0] == 0
    assert (venue.held[account.pk, "NQ"], Kill.objects.get().flatten) == (2, False)


def test_only_a_user_with_the_permission_releases_it(account: Account) -> None:
    run("--reason", "runaway")
    bob = User.objects.create_user("bob")
    for named in ((), ("--user", "bob"), ("--user", "nobody")):
        with pytest.raises(CommandError):
            run("--release", "--reason", "checked", *named)
    assert Flag.objects.get().is_open
    bob.user_permissions.add(Permission.objects.get(codename="release_kill"))
    assert run("--release", "--reason", "checked", "--user", "bob") == (0, ["released"])
    assert Flag.objects.get().ended_by == bob


@pytest.mark.parametrize(
    "arguments",
    [("--reason", " "), (), ("--reason", "x", "--firm", "NONE"), ("--reason", "x", "--firm", "A", "--account", "B")],
    ids=["a blank reason", "no reason", "a firm that is not there", "two scopes"],
)  # fmt: skip
def test_what_is_not_clear_engages_nothing(account: Account, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
    assert not Flag.objects.exists()
