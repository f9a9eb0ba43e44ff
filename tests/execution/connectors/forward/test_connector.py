"""The connector against each service in its own shape: what arrives there, and what every answer means."""

import base64
import hmac
import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from enforcement.orders import Side
from execution.connectors import Connector, InDoubt, Rejected, Unavailable, venue_of
from execution.connectors.forward import ForwardConnector
from execution.models import ForwardTarget
from execution.vault import Sealed
from firms.models import Account
from tests.execution.connectors.contract import buy, closing, sell
from tests.execution.connectors.forward import receiver as services
from tests.execution.connectors.forward.make import SIGNING_SECRET, make_target
from tests.execution.connectors.forward.receiver import Receiver, Reply, receiving, response
from tests.make import make_account

pytestmark = pytest.mark.django_db

REPLIES: dict[str, Reply] = {
    "traderspost": services.traderspost,
    "pickmytrade": services.pickmytrade,
    "crosstrade": services.crosstrade,
    "standard": services.own,
}


@pytest.fixture(params=REPLIES)
def service(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def receiver(service: str) -> Iterator[Receiver]:
    with receiving(REPLIES[service]) as there:
        yield there


@pytest.fixture
def connector(service: str, receiver: Receiver) -> Connector:
    account = make_account()
    make_target(account, receiver.url(), service)
    found = venue_of(account)
    assert isinstance(found, ForwardConnector)
    return found


def one(reply: Reply, service: str = "traderspost", **fields: Any) -> Any:
    """A connector whose receiver answers like this, and the receiver."""
    return _One(reply, service, fields)


class _One:
    def __init__(self, reply: Reply, service: str, fields: dict[str, Any]) -> None:
        self.given = reply, service, fields

    def __enter__(self) -> tuple[ForwardConnector, Receiver]:
        reply, service, fields = self.given
        self.there = Receiver(reply)
        account = make_account(f"Apex-{Account.objects.count() + 1}")
        make_target(account, self.there.url(), service, **fields)
        return ForwardConnector(account), self.there

    def __exit__(self, *_: object) -> None:
        self.there.close()


# --- what arrives -------------------------------------------------------------------------------------


def test_an_entry_arrives_once_with_its_stop(service: str, connector: Connector, receiver: Receiver) -> None:
    assert connector.submit(buy()).venue_order_id
    [received] = receiver.received
    assert b"19990.25" in received.body
    assert received.line.startswith("POST /hook/uuid-1/s3cret-path-word HTTP/1.1")
    assert received.headers["propguard-hop"] == "1"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_close_arrives_as_the_command_that_flattens(
    service: str, connector: Connector, receiver: Receiver
) -> None:
    assert connector.close(closing()).venue_order_id
    [received] = receiver.received
    said = received.fields if service == "crosstrade" else received.json
    assert {
        "traderspost": lambda: (said["action"], said["ticker"], "quantity" in said) == ("exit", "NQ1!", False),
        "pickmytrade": lambda: (said["data"], said["symbol"], said["quantity"]) == ("close", "NQ1!", 0),
        "crosstrade": lambda: (said["command"], said["instrument"], said["account"]) == ("CLOSEPOSITION", "NQ1!", "APEX-1"),
        "standard": lambda: (said["type"], said["action"], said["ticker"]) == ("flat", "exit", "NQ1!"),
    }[service]()  # fmt: skip


def test_traderspost_gets_its_own_fields() -> None:
    with one(services.traderspost) as (connector, receiver):
        sent = connector.submit(sell("pg-7", 3))
        body = receiver.received[0].json
    assert sent.venue_order_id == "tp-1"
    assert {key: value for key, value in body.items() if key != "time"} == {
        "ticker": "NQ1!", "action": "sell", "orderType": "market", "quantity": 3, "price": 20000.25,
        "stopLoss": {"type": "stop", "stopPrice": 20010.25}, "takeProfit": {"limitPrice": 19980.25},
        "extras": {"id": "pg-7"},
    }  # fmt: skip


def test_without_a_target_no_target_is_sent() -> None:
    with one(services.traderspost) as (connector, receiver):
        connector.submit(buy(target=None))
        assert "takeProfit" not in receiver.received[0].json


def test_pickmytrade_gets_its_token_and_account() -> None:
    with one(services.pickmytrade, "pickmytrade") as (connector, receiver):
        connector.submit(buy())
        connector.submit(buy("pg-2"))
        first, second = (received.json for received in receiver.received)
    assert (first["data"], first["sl"], first["tp"], first["token"]) == (
        "buy",
        19990.25,
        20020.25,
        "pmt-token-1",
    )
    assert first["multiple_accounts"] == [
        {"token": "pmt-token-1", "account_id": "APEX-1", "risk_percentage": 0, "quantity_multiplier": 1}
    ]
    assert first["date"] != second["date"]  # what it takes for the same alert again


def test_pickmytrade_without_an_account_number_goes_to_its_default() -> None:
    with one(services.pickmytrade, "pickmytrade", number="") as (connector, receiver):
        connector.submit(buy())
        assert "multiple_accounts" not in receiver.received[0].json


def test_crosstrade_gets_text_and_never_without_an_account() -> None:
    with one(services.crosstrade, "crosstrade") as (connector, receiver):
        connector.submit(buy())
        [received] = receiver.received
        assert received.headers["content-type"] == "text/plain; charset=utf-8"
        assert received.fields["command"] == "PLACE"
    with one(services.crosstrade, "crosstrade", number="") as (connector, receiver):
        with pytest.raises(Unavailable, match="needs account"):
            connector.submit(buy())
        assert not receiver.received


def test_an_account_number_can_t_smuggle_a_command_in() -> None:
    with one(services.crosstrade, "crosstrade", number="Sim101;command=FLATTENEVERYTHING") as (
        connector,
        receiver,
    ):
        with pytest.raises(Unavailable):
            connector.submit(buy())
        assert not receiver.received


def test_ones_own_receiver_can_check_the_signature() -> None:
    with one(services.own, "standard") as (connector, receiver):
        connector.submit(buy("pg-9"))
        [received] = receiver.received
    key = base64.b64decode(SIGNING_SECRET.removeprefix("whsec_"))
    signed = f"pg-9.{received.headers['webhook-timestamp']}.".encode() + received.body
    expected = base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
    assert received.headers["webhook-id"] == received.json["id"] == "pg-9"
    assert received.headers["webhook-signature"] == f"v1,{expected}"


def test_further_headers_leave_with_the_message() -> None:
    with one(services.own, "standard", headers="Authorization: Bearer abc123 | X-Desk: one") as (
        connector,
        receiver,
    ):
        connector.submit(buy())
        headers = receiver.received[0].headers
    assert (headers["authorization"], headers["x-desk"]) == ("Bearer abc123", "one")


def test_symbols_go_as_the_receiver_writes_them() -> None:
    with one(services.traderspost, symbols="NQ = NQZ2026\nMNQ1! = MNQ 12-26") as (connector, receiver):
        for number, symbol in enumerate(("NQ", "MNQ", "ES", "EURUSD")):
            connector.submit(buy(f"pg-{number}", symbol=symbol))
        assert [r.json["ticker"] for r in receiver.received] == ["NQZ2026", "MNQ 12-26", "ES1!", "EURUSD"]


def test_ones_own_template_replaces_the_services() -> None:
    template = '{"sym": "{{ticker}}", "do": "{{action}}", "n": "{{quantity}}", "sl": "{{stop}}"}'
    with one(services.own, "standard", entry_template=template) as (connector, receiver):
        connector.submit(buy())
        assert receiver.received[0].json == {"sym": "NQ1!", "do": "buy", "n": 2, "sl": 19990.25}


def test_a_broken_size_is_sent_only_where_it_is_allowed() -> None:
    half = buy()._replace(quantity=Decimal("0.5"))
    with one(services.traderspost) as (connector, receiver):
        with pytest.raises(Unavailable, match=r"0\.5 is not a whole number"):
            connector.submit(half)
        assert not receiver.received
    with one(services.traderspost, whole_contracts=False) as (connector, receiver):
        connector.submit(half)
        assert receiver.received[0].json["quantity"] == 0.5


# --- what answers mean --------------------------------------------------------------------------------

YES = {"success": True, "id": "tp-1", "logId": "log-1", "payload": {}}
NO = {"success": False, "messageCode": "invalid-quantity", "message": "Not a size."}
ANSWERS = [
    ("traderspost", response(200, YES), "sent"),
    ("traderspost", response(200, {**YES, "id": None}), "sent"),
    ("traderspost", response(400, NO), Rejected),
    ("traderspost", response(200, NO), InDoubt),
    ("traderspost", response(400, {"success": False}), InDoubt),
    ("traderspost", response(400, "<html>Bad Request</html>", "text/html"), InDoubt),
    ("traderspost", response(200, "<html>Maintenance</html>", "text/html"), InDoubt),
    ("traderspost", response(200, ""), InDoubt),
    ("traderspost", response(200, '{"success": tr'), InDoubt),
    ("traderspost", response(200, "[true]"), InDoubt),
    ("traderspost", response(200, '{"success": "true"}'), InDoubt),
    ("traderspost", response(200, "[" * 60_000), InDoubt),
    ("traderspost", response(401, NO), InDoubt),
    ("traderspost", response(403, NO), InDoubt),
    ("traderspost", response(404, NO), InDoubt),
    ("traderspost", response(409, NO), InDoubt),
    ("traderspost", response(429, NO, Retry_After="1"), InDoubt),
    ("traderspost", response(500, NO), InDoubt),
    ("traderspost", response(502, "bad gateway", "text/plain"), InDoubt),
    ("traderspost", response(503, YES), InDoubt),
    ("pickmytrade", response(200, {"status": "ok"}), "sent"),
    ("pickmytrade", response(200, {"message": "Alert received"}), "sent"),
    ("pickmytrade", response(200, {"status": "error", "message": "bad symbol"}), InDoubt),
    ("pickmytrade", response(200, "ok", "text/plain"), InDoubt),
    ("pickmytrade", response(400, {"status": "error"}), InDoubt),
    ("pickmytrade", response(401, {"message": "token"}), InDoubt),
    ("crosstrade", response(200, "Alert received", "text/plain"), "sent"),
    ("crosstrade", response(200, {"success": True}), "sent"),
    ("crosstrade", response(200, {"error": "Invalid request"}), InDoubt),
    ("crosstrade", response(200, "Error: invalid key", "text/plain"), InDoubt),
    ("crosstrade", response(200, "", "text/plain"), InDoubt),
    ("crosstrade", response(200, "<!doctype html>", "text/plain"), InDoubt),
    ("crosstrade", response(400, {"error": "Invalid request"}), InDoubt),
    ("crosstrade", response(429, "slow down", "text/plain"), InDoubt),
    ("standard", response(204, ""), "sent"),
    ("standard", response(202, {"id": "mine-1"}), "sent"),
    ("standard", response(200, "ok", "text/plain"), "sent"),
    ("standard", response(200, {"success": False}), InDoubt),
    ("standard", response(200, "<html>login</html>", "text/html"), InDoubt),
    ("standard", response(422, {"success": False, "message": "no"}), Rejected),
    ("standard", response(422, {"message": "no"}), InDoubt),
    ("standard", response(404, "not found", "text/plain"), InDoubt),
    ("standard", response(408, {"success": False}), InDoubt),
    ("standard", response(409, {"success": False}), InDoubt),
    ("standard", response(425, {"success": False}), InDoubt),
    ("standard", response(429, {"success": False}), InDoubt),
    ("standard", response(500, {"success": False}), InDoubt),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service_name", "answer", "outcome"), ANSWERS,
    ids=[f"{name}-{number}" for number, (name, _, _) in enumerate(ANSWERS)],
)  # fmt: skip
def test_an_answer_is_a_yes_a_documented_no_or_in_doubt(
    service_name: str, answer: bytes, outcome: Any
) -> None:
    with one(lambda received: answer, service_name) as (connector, receiver):
        if outcome == "sent":
            assert connector.submit(buy()).venue_order_id
        else:
            with pytest.raises(outcome):
                connector.submit(buy())
        assert len(receiver.received) == 1  # whatever it answers, it is asked once


def test_what_it_says_is_kept_without_its_secrets() -> None:
    def echo(received: Any) -> bytes:
        body = f"{json.dumps(received.json)} at {received.line} \x1b[2J\u202e"
        return response(
            400, {"success": False, "messageCode": "invalid-quantity", "message": body + "x" * 9000}
        )

    with one(echo, secret="tp-canary-secret", entry_template=(
        '{"ticker": "{{ticker}}", "action": "{{action}}", "quantity": "{{quantity}}", "stop": "{{stop}}", "k": "{{secret}}"}'
    )) as (connector, _), pytest.raises(Rejected) as refusal:  # fmt: skip
        connector.submit(buy())
    said = str(refusal.value)
    assert said.startswith("invalid-quantity: ")
    assert len(said) <= 300
    for hidden in ("tp-canary-secret", "s3cret-path-word", "\x1b", "\u202e"):
        assert hidden not in said


# --- what can't be asked ------------------------------------------------------------------------------


def test_a_blind_connector_can_t_be_asked(connector: Connector) -> None:
    assert connector.blind
    for ask in (
        connector.positions, connector.working_orders, lambda: connector.find("pg-1"),
        lambda: connector.report(frozenset()), lambda: connector.cancel("pg-1"), lambda: connector.cancel_all(["NQ"]),
        lambda: connector.has_working_orders(["NQ"]),
    ):  # fmt: skip
        with pytest.raises(InDoubt, match="can't be asked"):
            ask()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: ForwardTarget.objects.all().delete(),
        lambda row: ForwardTarget.objects.update(address=Sealed.of("https://10.0.0.1/x"), local_network=False),
        lambda row: ForwardTarget.objects.update(address=Sealed("gAAAAA-of-another-key")),
        lambda row: ForwardTarget.objects.update(signing_secret=Sealed.of("short")),
        lambda row: ForwardTarget.objects.update(symbols="what is this"),
    ],
    ids=["no target", "an address of the own network", "another key", "a bad signing secret", "bad symbols"],
)  # fmt: skip
def test_a_connection_that_can_t_be_used_sends_nothing(spoil: Any) -> None:
    with one(services.traderspost) as (made, receiver):
        spoil(made)
        connector = ForwardConnector(made.account)
        with pytest.raises(Unavailable) as problem:
            connector.submit(buy())
        assert "s3cret" not in str(problem.value)
        with pytest.raises(Unavailable):
            connector.close(closing(side=Side.SELL))
        assert not receiver.received
