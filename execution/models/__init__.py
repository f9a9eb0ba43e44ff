"""Signals, decisions, orders, positions: one file per aggregate."""

from execution.models.decision import Decision, Leg
from execution.models.order import Exit, Fill, Order, OrderEvent, Position
from execution.models.paper import PaperBook, PaperFill, PaperOrder, PaperPosition
from execution.models.signal import Kind, Signal, SignalChunk, SignalKey, Size
from execution.models.source import Connection, FieldMapping, Route, SignalSource, VenueAccount
from execution.models.watch import Alarm, ApiKey, Heartbeat, Mark

__all__ = [
    "Alarm",
    "ApiKey",
    "Connection",
    "Decision",
    "Exit",
    "FieldMapping",
    "Fill",
    "Heartbeat",
    "Kind",
    "Leg",
    "Mark",
    "Order",
    "OrderEvent",
    "PaperBook",
    "PaperFill",
    "PaperOrder",
    "PaperPosition",
    "Position",
    "Route",
    "Signal",
    "SignalChunk",
    "SignalKey",
    "SignalSource",
    "Size",
    "VenueAccount",
]
