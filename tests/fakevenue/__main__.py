"""`python -m tests.fakevenue --journal FILE`: serve the venue until killed."""

import argparse
from pathlib import Path

from tests.fakevenue.control import ControlHandler, Desk
from tests.fakevenue.market import Market
from tests.fakevenue.server import Server, Venue


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakevenue", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="where traders' programs come in; 0: any free one"
    )
    parser.add_argument("--control-port", type=int, default=0, help="where the test comes in")
    parser.add_argument("--journal", type=Path, required=True, help="read at the start, then appended to")
    arguments = parser.parse_args()
    desk = Desk(Venue(Market(arguments.journal)), arguments.port)
    handler = type("VenueControlHandler", (ControlHandler,), {"desk": desk})
    control = Server(("127.0.0.1", arguments.control_port), handler)
    print(f"{desk.port} {control.server_address[1]}", flush=True)  # noqa: T201 - read by whoever started it
    control.serve_forever()


main()
