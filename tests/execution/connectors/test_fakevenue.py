"""The fake venue keeps the contract over real HTTP, whether or not its stops leave with the entry."""

import pytest

from execution.connectors import Connector
from firms.models import Account
from tests.execution.connectors.contract import ConnectorContract
from tests.fakevenue.connector import FakeVenueConnector
from tests.fakevenue.fixtures import fake_venue, venue_account, venue_process

__all__ = ["fake_venue", "venue_account", "venue_process"]

pytestmark = pytest.mark.django_db


class WithoutBrackets(FakeVenueConnector):
    native_bracket = False


class FakeVenueContract(ConnectorContract):
    kind: type[FakeVenueConnector] = FakeVenueConnector

    @pytest.fixture
    def connector(self, venue_account: Account) -> Connector:
        return self.kind(venue_account)

    def anew(self, connector: Connector) -> Connector:
        return self.kind(Account.objects.get(pk=connector.account.pk))


class TestTheFakeVenueKeepsTheContract(FakeVenueContract): ...


class TestItDoesSoWithoutBrackets(FakeVenueContract):
    kind = WithoutBrackets
