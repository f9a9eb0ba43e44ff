"""F37, F48, F49, F76 where a webhook is the venue: a 401, a redirect, a wrong certificate, a hijacked name."""

from pathlib import Path
from typing import Any

import pytest
import time_machine

from execution.connectors.forward import sending
from execution.models import Alarm, Connection, Order, SignalSource
from firms.models import Account
from tests.execution.connectors.forward.make import make_target
from tests.execution.connectors.forward.receiver import (
    Receiver,
    certificates,
    receiving,
    response,
    traderspost,
)
from tests.execution.make import entry_signal, route, the_entry
from tests.make import make_account, make_program, make_route, make_source

pytestmark = pytest.mark.django_db(transaction=True)


def follow(address: str, **fields: Any) -> tuple[SignalSource, Account]:
    """A live account that forwards to an address, and follows a source."""
    source = make_source()
    account = make_account("Apex-2", make_program(anchor="highest_close"), live=True)
    make_target(account, address, **fields)
    make_route(source, account)
    return source, account


def sent(source: SignalSource, account: Account) -> Order:
    """One alert through everything, twice: whatever happens to it, it leaves once."""
    signal = entry_signal(source)
    route(signal)
    route(signal)
    return the_entry(account)


def alarms() -> set[str]:
    return set(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True))


def test_a_receiver_that_takes_it_is_the_rule(clock: time_machine.Traveller) -> None:
    with receiving(traderspost) as there:
        order = sent(*follow(there.url()))
        assert (order.status, order.venue_order_id, len(there.received)) == ("accepted", "tp-1", 1)


def test_f37_a_401_is_in_doubt_and_not_repeated(clock: time_machine.Traveller) -> None:
    with receiving(lambda received: response(401, {"message": "token expired"})) as there:
        order = sent(*follow(there.url(), service="pickmytrade"))
        assert (order.status, len(there.received)) == ("held", 1)
    assert "order_held" in alarms()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_f48_a_redirect_is_not_followed_and_leaves_it_in_doubt(
    status: int, clock: time_machine.Traveller
) -> None:
    with receiving(traderspost) as elsewhere:

        def redirect(received: Any) -> bytes:
            return response(status, "", "text/plain", Location=elsewhere.url())

        with receiving(redirect) as there:
            order = sent(*follow(there.url()))
            assert (order.status, len(there.received), len(elsewhere.received)) == ("held", 1, 0)


def test_f48_nor_one_to_where_a_cloud_keeps_its_credentials(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []
    real = sending.httpcore2.SyncBackend.connect_tcp

    def watched(self: Any, host: str, *rest: Any, **more: Any) -> Any:
        connected.append(host)
        return real(self, host, *rest, **more)

    monkeypatch.setattr(sending.httpcore2.SyncBackend, "connect_tcp", watched)
    target = "http://169.254.169.254/latest/meta-data/"
    with receiving(lambda received: response(302, "", "text/plain", Location=target)) as there:
        order = sent(*follow(there.url()))
    assert (order.status, connected) == ("held", ["127.0.0.1"])


@pytest.mark.parametrize("wrong", ["expired", "nobody's"])
def test_f49_a_wrong_certificate_stops_it_before_a_byte_with_an_alarm(
    tmp_path: Path, wrong: str, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificates(tmp_path, "bridge.example.com", expired=wrong == "expired")
    if wrong == "expired":
        monkeypatch.setattr(sending, "trusted_authorities", lambda: made.client)
    with receiving(traderspost, made.server) as there:
        order = sent(*follow(there.url(host="127.0.0.1")))
        assert (order.status, len(there.received)) == ("canceled", 0)
    assert "certificate" in order.note
    assert alarms() == {"not_sent"}


def test_f49_there_is_no_switch_that_trusts_everybody() -> None:
    columns = {field.name for model in (Connection,) for field in model._meta.get_fields()}
    columns |= {
        field.name for field in Connection._meta.get_field("forward_target").related_model._meta.get_fields()
    }
    assert not [name for name in columns if "verif" in name or "insecure" in name or "tls" in name]


@pytest.mark.parametrize("leads_to", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
def test_f76_a_name_that_suddenly_leads_inside_is_not_followed(
    leads_to: str, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("execution.connectors.forward.address.look_up", lambda host, port: [leads_to])
    order = sent(
        *follow("https://webhooks.traderspost.io/trading/webhook/u/canary-pass", local_network=False)
    )
    assert order.status == "canceled"
    assert "not on the internet" in order.note
    assert "canary-pass" not in order.note
    assert alarms() == {"not_sent"}


def test_f76_a_name_that_leads_to_another_machine_fails_at_its_certificate(
    tmp_path: Path, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief = certificates(tmp_path, "thief.example.com")
    monkeypatch.setattr(sending, "trusted_authorities", lambda: thief.client)
    monkeypatch.setattr("execution.connectors.forward.address.look_up", lambda host, port: ["127.0.0.1"])
    there: Receiver
    with receiving(traderspost, thief.server) as there:
        order = sent(*follow(f"https://bridge.example.com:{there.port}/hook/uuid-1/s3cret-path-word"))
        assert (order.status, len(there.received)) == ("canceled", 0)
    assert alarms() == {"not_sent"}


def test_f76_no_answer_of_the_name_server_is_not_sent(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(host: str, port: int) -> list[str]:
        raise OSError("the name was not resolved in time")

    monkeypatch.setattr("execution.connectors.forward.address.look_up", silent)
    order = sent(*follow("https://webhooks.traderspost.io/trading/webhook/u/p", local_network=False))
    assert (order.status, alarms()) == ("canceled", {"not_sent"})
