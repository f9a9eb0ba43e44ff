"""Signals, decisions, orders, positions: one file per aggregate."""

from execution.models.decision import Decision, Leg
from execution.models.epoch import Epoch
from execution.models.forward import ForwardTarget
from execution.models.kill import FlatCheck, Kill
from execution.models.order import ClosedTrade, Exit, Fill, Order, OrderEvent, Position
from execution.models.paper import PaperBook, PaperFill, PaperOrder, PaperPosition, PaperSettings
from execution.models.signal import Kind, Signal, SignalChunk, SignalKey, Size
from execution.models.source import Connection, FieldMapping, Route, SignalSource, VenueAccount
from execution.models.watch import Alarm, ApiKey, Heartbeat, Lease, Mark, NewsEvent, Reconciliation

__all__ = [
    "Alarm",
    "ApiKey",
    "ClosedTrade",
    "Connection",
    "Decision",
    "Epoch",
    "Exit",
    "FieldMapping",
    "Fill",
    "FlatCheck",
    "ForwardTarget",
    "Heartbeat",
    "Kill",
    "Kind",
    "Lease",
    "Leg",
    "Mark",
    "NewsEvent",
    "Order",
    "OrderEvent",
    "PaperBook",
    "PaperFill",
    "PaperOrder",
    "PaperPosition",
    "PaperSettings",
    "Position",
    "Reconciliation",
    "Route",
    "Signal",
    "SignalChunk",
    "SignalKey",
    "SignalSource",
    "Size",
    "VenueAccount",
]
