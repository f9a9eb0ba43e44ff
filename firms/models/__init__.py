"""Firms, programs, accounts, flags: one file per aggregate."""

from firms.models.account import Account, AccountDay, AccountState, CashFlow
from firms.models.audit import AuditEntry
from firms.models.closure import MarketClosure
from firms.models.day_figures import DayFigures
from firms.models.firm import Firm, Trader
from firms.models.flag import MANUAL, Flag, FlagKey, Scope
from firms.models.instrument import Instrument, TradingSession
from firms.models.limits import Evidence, LossLimit, NewsRule, ProductLimit, TermSource, Tier
from firms.models.personal import PersonalLimits
from firms.models.program import ConsistencyScope, InactivityUnit, Market, Phase, Program
from firms.models.terms import RulebookVersion, TermsInForce, TermsSnapshot

__all__ = [
    "MANUAL",
    "Account",
    "AccountDay",
    "AccountState",
    "AuditEntry",
    "CashFlow",
    "ConsistencyScope",
    "DayFigures",
    "Evidence",
    "Firm",
    "Flag",
    "FlagKey",
    "InactivityUnit",
    "Instrument",
    "LossLimit",
    "Market",
    "MarketClosure",
    "NewsRule",
    "PersonalLimits",
    "Phase",
    "ProductLimit",
    "Program",
    "RulebookVersion",
    "Scope",
    "TermSource",
    "TermsInForce",
    "TermsSnapshot",
    "Tier",
    "Trader",
    "TradingSession",
]
