"""Firms, programs, accounts, flags: one file per aggregate."""

from firms.models.account import Account, AccountDay, AccountState
from firms.models.audit import AuditEntry
from firms.models.firm import Firm, Trader
from firms.models.flag import MANUAL, Flag, FlagKey, Scope
from firms.models.instrument import Instrument, TradingSession
from firms.models.program import Evidence, LossLimit, Market, Phase, Program, TermSource
from firms.models.terms import TermsSnapshot

__all__ = [
    "MANUAL",
    "Account",
    "AccountDay",
    "AccountState",
    "AuditEntry",
    "Evidence",
    "Firm",
    "Flag",
    "FlagKey",
    "Instrument",
    "LossLimit",
    "Market",
    "Phase",
    "Program",
    "Scope",
    "TermSource",
    "TermsSnapshot",
    "Trader",
    "TradingSession",
]
