from tests.fakevenue.fixtures import fake_venue, venue_account, venue_process

__all__ = ["fake_venue", "venue_account", "venue_process"]
