"""Ask every rule, keep every finding: may this order be sent, how does the account stand."""

from dataclasses import dataclass
from decimal import Decimal

from enforcement.context import AccountContext, OrderContext
from enforcement.decision import Decision, Finding, FloorRoom, Handling, Outcome
from enforcement.loosening import strictest
from enforcement.program import Automation
from enforcement.rules import RULES, Rule
from enforcement.sizing import largest_that_passes


def evaluate_order(ctx: OrderContext) -> Decision:
    """The decision on one order for one account. Pure; never raises.

    An entry passes only when no rule denies it and none lacks what it needs. An exit always passes: its
    findings are recorded, capped at WARN here and nowhere else, the rule's own word kept in `verdict`.
    An entry has to pass the earlier rules of its account's day as well: a loosened rule counts from the
    next reset on.
    """
    decision = _under_present_terms(ctx)
    if not ctx.earlier or ctx.intent.reduces:
        return decision
    return strictest(
        decision, [(earlier, _under_present_terms(ctx.under(earlier))) for earlier in ctx.earlier]
    )


def _under_present_terms(ctx: OrderContext) -> Decision:
    findings = _ask_all(ctx)
    if ctx.intent.reduces:
        findings = tuple(_capped(finding) for finding in findings)
    blocked = any(finding.outcome >= Outcome.UNDETERMINED for finding in findings)
    return Decision(
        findings=findings,
        floors=_floors(ctx),
        risk=_order_risk(ctx),
        fits=largest_that_passes(ctx, findings, RULES) if blocked else None,
        handling=_handling(ctx),
    )


def _handling(ctx: OrderContext) -> Handling:
    """Exits are always sent; entries of live accounts as the program's automation policy says."""
    if not ctx.live or ctx.intent.reduces or not ctx.intent.automated:
        return Handling.SEND
    return _HANDLINGS.get(ctx.terms.automation, Handling.SEND)


_HANDLINGS = {Automation.CONFIRM_BY_HAND: Handling.CONFIRM, Automation.ADVISE_ONLY: Handling.ADVISE}


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands against its floors, without any order.

    `floors` in the program's order; `binding` the one with the least room; `room` its room (may be
    negative), None when any floor is unknown. `crossed` are those already broken by the firm's own
    comparator.
    """

    floors: tuple[FloorRoom, ...]
    binding: FloorRoom | None
    room: Decimal | None
    crossed: tuple[FloorRoom, ...]


def evaluate_account(ctx: AccountContext) -> Standing:
    """Where the account stands now. Never raises for missing facts: what is unknown is None."""
    equity = None if ctx.state is None else ctx.state.equity
    floors = tuple(FloorRoom(at.floor, at.level, equity, None) for at in ctx.levels)
    rooms = [(floor.room, floor) for floor in floors if floor.room is not None]
    room, binding = min(rooms, key=lambda pair: pair[0]) if rooms else (None, None)
    return Standing(
        floors=floors,
        binding=binding,
        room=room if len(rooms) == len(floors) else None,
        crossed=tuple(
            room
            for room, at in zip(floors, ctx.levels, strict=True)
            if ctx.state is not None and at.is_crossed(ctx.state.equity, ctx.state.balance)
        ),
    )


def _ask_all(ctx: OrderContext) -> tuple[Finding, ...]:
    """Every rule's finding. A rule that raises blocks its order; it never lets it through."""
    findings = []
    for rule in RULES:
        try:
            findings.append(rule.check(ctx))
        except Exception as error:  # noqa: BLE001 - whatever a broken rule raises
            findings.append(_broken(rule, error))
    return tuple(findings)


def _broken(rule: Rule, error: Exception) -> Finding:
    return Finding(
        rule.code,
        "engine.rule_failed",
        Outcome.UNDETERMINED,
        rule.breach_type,
        facts={"error": f"{type(error).__name__}: {error}"},
    )


def _capped(finding: Finding) -> Finding:
    if not finding.outcome.blocks:
        return finding
    return finding._replace(outcome=Outcome.WARN, verdict=finding.outcome)


def _floors(ctx: OrderContext) -> tuple[FloorRoom, ...]:
    """Every floor, even where the order's loss, or the floor itself, is not known."""
    try:
        equity = None if ctx.state is None else ctx.state.equity
        projected = equity if ctx.intent.reduces else ctx.projected_equity
        return tuple(FloorRoom(at.floor, at.level, equity, projected) for at in ctx.levels)
    except Exception:  # noqa: BLE001 - loss_floors has already said UNDETERMINED for the same reason
        return tuple(FloorRoom(floor, None, None, None) for floor in ctx.terms.floors)


def _order_risk(ctx: OrderContext) -> Decimal | None:
    try:
        return None if ctx.intent.reduces else ctx.order_risk
    except Exception:  # noqa: BLE001 - as above
        return None
