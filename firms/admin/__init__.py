"""The admin of firms, programs and what belongs to them; accounts, which join both apps, are execution's."""

from firms.admin import audit, firm, flag, instrument, program, session, terms, trader  # noqa: F401
