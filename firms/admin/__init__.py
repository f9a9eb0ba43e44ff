"""The admin of firms, programs and what belongs to them; accounts, which join both apps, are execution's."""

from firms.admin import (  # noqa: F401
    audit,
    cash_flow,
    closure,
    evidence,
    firm,
    flag,
    instrument,
    program,
    session,
    terms,
    trader,
)
