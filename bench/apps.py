"""A venue that stamps the instant of its call and is done: nothing is filled, nothing stays reserved."""

import os
import socket
import time
from functools import cache

from django.apps import AppConfig

STAMPS = "BENCH_STAMPS"  # names the datagram socket that the load client listens on


class BenchConfig(AppConfig):
    name = "bench"

    def ready(self) -> None:
        from execution import connectors
        from execution.connectors.paper import PaperConnector

        class StampingConnector(PaperConnector):
            """Takes the paper venue's place, so that the way to it is the product's own."""

            def submit(self, order: connectors.ApprovedOrder) -> connectors.Sent:
                at = time.time()
                stamp(int(order.client_order_id.split("-")[-2]), at)
                # Skipped: every alert meets the account as the first one did.
                return connectors.Sent(venue_order_id="", skipped=True)

        connectors.CONNECTORS = {**connectors.CONNECTORS, "paper": StampingConnector}


def stamp(signal_id: int, at: float) -> None:
    """Tell the load client when a signal's order was about to leave."""
    _socket().sendto(f"{signal_id} {at!r}".encode(), os.environ[STAMPS])


@cache
def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
