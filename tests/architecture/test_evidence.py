"""Which tables are evidence, and that nothing evidence points to can vanish from under it."""

import pytest
from django.apps import apps
from django.db import models
from django.db.models import Model

from execution.models import Decision, Fill, OrderEvent, Signal
from firms import evidence
from firms.models import AuditEntry, TermsSnapshot

pytestmark = pytest.mark.core

EVIDENCE: list[type[Model]] = [Signal, Decision, OrderEvent, Fill, AuditEntry, TermsSnapshot]


@pytest.mark.parametrize("model", EVIDENCE, ids=lambda model: model.__name__)
def test_evidence_is_append_only(model: type[Model]) -> None:
    assert getattr(model, "append_only", False) is True
    assert model._meta.db_table in evidence.tables()


@pytest.mark.parametrize("model", EVIDENCE, ids=lambda model: model.__name__)
def test_what_evidence_refers_to_is_protected(model: type[Model]) -> None:
    for field in model._meta.fields:
        if isinstance(field, models.ForeignKey):
            assert field.remote_field.on_delete is models.PROTECT, f"{model.__name__}.{field.name}"


def test_mutable_state_is_not_declared_evidence() -> None:
    """A trigger on these would stop the system at the first order."""
    mutable = {"Order", "Exit", "SignalChunk", "SignalKey", "Flag", "AccountState", "Position"}
    declared = {model.__name__ for model in apps.get_models() if getattr(model, "append_only", False)}
    assert not declared & mutable
