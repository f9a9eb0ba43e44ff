"""A timeline of marks, fills, orders and payouts, run against a program: floors, room and decisions as they
move.

    for step in run(timeline, terms, guard):
        step.at, step.event         what happened: an event of the timeline, or a Turn between two of them
        step.state                  the account's state after it
        step.standing               its floors, the binding one, the room, those crossed just now
        step.flags                  failed or locked *before* this instant: what an order here meets
        step.breaches               what was broken at this very step for the first time, the worst first
        step.failed                 the hard breach that ended the account, at this step or before
        step.locks                  soft breaches in force after this step, each with its `until`
        step.decision               the engine's answer where the event is an Order, else None
        step.context                the AccountContext behind all that, to ask the engine further things

Events, in order of time (several at one instant keep their order):

    Mark(at, balance, equity, prices)      the account's money; what is not given is computed or stays
    Fill(at, instrument, quantity, price)  a signed change of position; the money follows, unless given
    MoveStop(at, instrument, stop)         the protective stop of what is held
    Hold(at, positions)                    the open positions, word for word, instead of those known
    Payout(at, flow, amount)               asked for, or paid
    Order(at, intent)                      a question to the engine
    Look(at)                               nothing happens: how does the account stand now

What stands holds until the next event. Closes and resets in between are applied at their own instants,
with the money in force there (a Mark at the very instant is), and the floors are tested there again: a
reset alone can break one. An instant equal to a reset belongs to the new day. Before the first event the
account is fresh: at its starting balance, flat.

A hard breach ends the account for good; a soft one locks it until the next reset, whatever equity does
afterwards. Either is a flag from the next instant on: *at* its own instant an order is refused by the
floor itself. Money is in the account's currency. Equity is never stale here, for the timeline says how
long it holds. An approved order counts as working until it is filled, or its lifetime is over.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from enforcement.account import AccountState, CashFlow, StateReport, StateSource, cash_flow, mark, roll_day
from enforcement.calendar import session_at
from enforcement.context import (
    AccountContext,
    Activity,
    ClosedLoss,
    NewsEvent,
    OpenFlag,
    OrderContext,
    OtherExposure,
    RecentEntry,
)
from enforcement.decision import Decision, FloorRoom
from enforcement.engine import Standing, evaluate_account, evaluate_order
from enforcement.exposure import Position, WorkingOrder
from enforcement.floors import LossFloor, PayoutEffect
from enforcement.instruments import Instrument
from enforcement.orders import OrderIntent, Side
from enforcement.program import Deployment, GuardPolicy, ProgramTerms
from enforcement.rules.signal_fresh import ENTRY_LIFETIME_SECONDS

ZERO = Decimal(0)
LIFETIME = timedelta(seconds=ENTRY_LIFETIME_SECONDS)
MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)  # before the first event: one at a reset is in force at it
NO_PRICES: Mapping[Instrument, Decimal] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The account's money at an instant. A balance that is not given stays. An equity that is not given
    follows from `prices`; one that is given moves the price of the only position, where none is told."""

    at: datetime
    balance: Decimal | None = None
    equity: Decimal | None = None
    prices: Mapping[Instrument, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A change of position by `quantity` (signed) at `price`, `commission` in money.

    The balance follows from what the position was opened at and equity from the price, unless they are
    given. `stop` protects what is opened; not given, it is the stop of the approved order it fills.
    """

    at: datetime
    instrument: Instrument
    quantity: Decimal
    price: Decimal
    stop: Decimal | None = None
    commission: Decimal = ZERO
    balance: Decimal | None = None
    equity: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveStop:
    """The protective stop of what is held; None takes it away."""

    at: datetime
    instrument: Instrument
    stop: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What is open, instead of what the fills before came to."""

    at: datetime
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """Asked for or paid; `amount` above zero."""

    at: datetime
    flow: CashFlow
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wishes to send. An intent without a session is of the clock's."""

    at: datetime
    intent: OrderIntent


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Nothing happens."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A close, a reset, or both in one, that lies between two events of a timeline."""

    at: datetime
    is_close: bool
    is_reset: bool


Event = Mark | Fill | MoveStop | Hold | Payout | Order | Look


class TimelineError(ValueError):
    """An event that can't have happened, or whose money can't be computed. `number` counts from 0."""

    def __init__(self, number: int, field_name: str, message: str) -> None:
        super().__init__(message)
        self.number, self.field_name, self.message = number, field_name, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A floor that was broken, by the firm's own comparator. `until` is when a soft one ends."""

    at: datetime
    floor: LossFloor
    level: Decimal
    equity: Decimal
    until: datetime | None

    @property
    def is_hard(self) -> bool:
        return self.floor.is_hard

    @property
    def cause(self) -> str:
        """`drawdown` or `daily_loss`."""
        return self.floor.kind.value

    @property
    def flag(self) -> OpenFlag:
        why = f"equity {self.equity:,.2f} at {self.at:%Y-%m-%d %H:%M:%S}Z, floor {self.level:,.2f}"
        return OpenFlag("account", "failed" if self.is_hard else "day_lock", self.cause, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event, or one turn of the day, and how the account stands after it: see the module."""

    event: Event | Turn
    context: AccountContext
    standing: Standing
    breaches: tuple[Breach, ...]
    failed: Breach | None
    locks: tuple[Breach, ...]
    decision: Decision | None = None

    @property
    def at(self) -> datetime:
        return self.event.at

    @property
    def state(self) -> AccountState:
        if self.context.state is None:
            raise ValueError("a scenario's account always has a state")
        return self.context.state

    @property
    def flags(self) -> tuple[OpenFlag, ...]:
        return self.context.flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What stays as it is through a whole timeline, beside the account itself (see AccountContext)."""

    flags: tuple[OpenFlag, ...] = ()
    others: tuple[OtherExposure, ...] = ()
    news: tuple[NewsEvent, ...] | None = ()
    live: bool = False
    deployment: Deployment | None = None
    working: tuple[WorkingOrder, ...] = ()


NOTHING_ELSE = Surroundings()


def run(
    timeline: Iterable[Event],
    terms: ProgramTerms,
    guard: GuardPolicy,
    *,
    start: AccountState | None = None,
    around: Surroundings = NOTHING_ELSE,
) -> Iterator[Step]:
    """The steps of a timeline, one for each event and one for each close and reset between two of them.

    `start` is the state in which the account enters it; without one it is fresh. Raises TimelineError at
    the first event that is earlier than the one before, or whose money can't be computed.
    """
    account: _Account | None = None
    for number, event in enumerate(timeline):
        if account is None:
            account = _Account(terms, guard, start or fresh_state(terms, event.at - INSTANT), around)
        if event.at < account.state.as_of:
            raise TimelineError(number, "at", "it is earlier than what comes before it")
        try:
            yield from account.turns_before(event)
            yield account.take(event)
        except _Impossible as error:
            raise TimelineError(number, error.field_name, str(error)) from None


def fresh_state(terms: ProgramTerms, at: datetime) -> AccountState:
    """The state of an account on day one, opened at an instant."""
    start = terms.starting_balance
    return AccountState(
        balance=start,
        equity=start,
        as_of=at,
        source=StateSource.DECLARED,
        trading_day=terms.day.day_of(at),
        closed_day=terms.day.last_closed(at),
        day_start_balance=start,
        day_start_equity=start,
        last_close=start,
        highest_equity=start,
        highest_close=start,
        highest_balance=start,
        day_start_highest_close=start,
    )


def worst_of(crossed: Iterable[FloorRoom]) -> FloorRoom | None:
    """Of the floors crossed the one that names the breach: hard before soft, then the higher."""
    known = [room for room in crossed if room.level is not None]
    return max(known, key=lambda room: (room.floor.is_hard, room.level), default=None)


class _Impossible(Exception):
    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(message)
        self.field_name = field_name


@dataclass(slots=True)
class _Held:
    """A position: what it was opened at (None: nobody said), its last price, its result so far."""

    quantity: Decimal
    price: Decimal | None
    stop: Decimal | None
    opened_at: datetime | None
    average: Decimal | None = None
    booked: Decimal = ZERO


@dataclass(slots=True)
class _Working:
    """An approved order that has not been filled yet; `risk` of one contract."""

    intent: OrderIntent
    instrument: Instrument
    quantity: Decimal
    risk: Decimal
    until: datetime


class _Account:
    """The account as the timeline has made it so far."""

    def __init__(
        self, terms: ProgramTerms, guard: GuardPolicy, state: AccountState, around: Surroundings
    ) -> None:
        self.terms, self.guard, self.state, self.around = terms, guard, state, around
        self.held: dict[Instrument, _Held] = {}
        self.working: list[_Working] = []
        self.sent: list[RecentEntry] = []  # every approved order, exits too
        self.entries: list[RecentEntry] = []
        self.losses: list[ClosedLoss] = []
        self.failed: Breach | None = None
        self.locks: list[Breach] = []

    # --- time -----------------------------------------------------------------------------------------

    def turns_before(self, event: Event) -> Iterator[Step]:
        """Every close and reset up to an event, each at its own instant."""
        day = self.terms.day
        while True:
            # Counted from the days already behind: an instant equal to a reset is over only once applied.
            close = day.closes_at(day.next_day(self.state.closed_day))
            reset = day.opens_at(day.next_day(self.state.trading_day))
            at = min(close, reset)
            if at > event.at:
                return
            if at == event.at and isinstance(event, Mark):
                self._mark(event)  # it is what is in force at that instant
            self.state = roll_day(self.state, day, at, settled=True)
            self._move_to(at)
            yield self._step(Turn(at=at, is_close=at == close, is_reset=at == reset))

    def _move_to(self, at: datetime) -> None:
        self.state = replace(self.state, as_of=at)
        self.working = [order for order in self.working if order.until > at]

    def take(self, event: Event) -> Step:
        self._move_to(event.at)
        decision = None
        if isinstance(event, Mark):
            self._mark(event)
        elif isinstance(event, Fill):
            self._fill(event)
        elif isinstance(event, MoveStop):
            self._position(event.instrument).stop = event.stop
        elif isinstance(event, Hold):
            self.held = {
                p.instrument: _Held(p.quantity, p.price, p.stop, p.opened_at) for p in event.positions
            }
        elif isinstance(event, Payout):
            self._pay(event)
        elif isinstance(event, Order):
            decision = self._decide(event)
        return self._step(event, decision)

    def _step(self, event: Event | Turn, decision: Decision | None = None) -> Step:
        """Test the floors as they are now, and keep what was broken."""
        self.locks = [lock for lock in self.locks if lock.until is None or lock.until > event.at]
        context = self._context(event.at)
        standing = evaluate_account(context)
        return Step(
            event=event,
            context=context,
            standing=standing,
            breaches=self._break(standing, event.at),
            failed=self.failed,
            locks=tuple(self.locks),
            decision=decision,
        )

    def _break(self, standing: Standing, at: datetime) -> tuple[Breach, ...]:
        """Hard ones first, then the higher; a lock that holds already is not broken again."""
        if self.failed is not None:
            return ()
        found = []
        left = list(standing.crossed)
        while (room := worst_of(left)) is not None:
            left.remove(room)
            if room.level is None or any(lock.floor.kind is room.floor.kind for lock in self.locks):
                continue
            until = None if room.floor.is_hard else self.terms.day.next_reset(at)
            breach = Breach(at=at, floor=room.floor, level=room.level, equity=self.state.equity, until=until)
            if breach.is_hard:
                self.failed = self.failed or breach
            else:
                self.locks.append(breach)
            found.append(breach)
        return tuple(found)

    # --- money and positions --------------------------------------------------------------------------

    def _report(self, balance: Decimal, equity: Decimal) -> None:
        report = StateReport(
            balance=balance, equity=equity, as_of=self.state.as_of, source=StateSource.DECLARED
        )
        self.state = mark(self.state, report)

    def _mark(self, event: Mark) -> None:
        before = self.state
        balance = before.balance if event.balance is None else event.balance
        equity = event.equity
        if equity is None:
            change = sum((self._change(one, price) for one, price in event.prices.items()), ZERO)
            equity = before.equity + balance - before.balance + change
        elif not event.prices:
            self._follow(equity - balance - before.equity + before.balance)
        elif len(event.prices) < len(self.held):
            self._forget_prices()
        for instrument, price in event.prices.items():
            self._position(instrument).price = price
        self._report(balance, equity)

    def _follow(self, change: Decimal) -> None:
        """Move the price of the only position with the open profit; of several nobody knows which moved."""
        if not change:
            return
        if len(self.held) > 1:
            self._forget_prices()
        for instrument, held in self.held.items():
            if held.price is not None and self._is_in_currency(instrument):
                held.price += change / (instrument.point_value * held.quantity)
            else:
                held.price = None

    def _forget_prices(self) -> None:
        for held in self.held.values():
            held.price = None

    def _fill(self, event: Fill) -> None:
        held = self.held.get(event.instrument) or _Held(ZERO, event.price, None, event.at)
        if not event.quantity:
            raise _Impossible("quantity", "a fill changes the position, this one by 0")
        balance, equity = self._money_after(event, held)
        closed = _closed_part(held.quantity, event.quantity)
        after = held.quantity + event.quantity
        begins = not held.quantity or held.quantity * after < 0
        stop = self._take_from_working(event)
        booked = held.booked + balance - self.state.balance
        if closed and (begins or not after):
            self._close_trade(event, held, booked)
            booked = ZERO
        if begins:
            self.held[event.instrument] = _Held(after, event.price, stop, event.at, event.price, booked)
            self.state = replace(self.state, trades_today=self.state.trades_today + 1)
        elif not after:
            self.held.pop(event.instrument)
        else:
            if not closed:
                held.average = _average(held, event)
                held.stop = _farther(held.stop, stop, is_long=after > 0)
            elif event.stop is not None:
                held.stop = event.stop
            held.quantity, held.price, held.booked = after, event.price, booked
        self.state = replace(self.state, last_trade_at=event.at)
        if event.equity is None and not self.held:
            equity = balance
        self._report(balance, equity)

    def _money_after(self, event: Fill, held: _Held) -> tuple[Decimal, Decimal]:
        """Balance and equity after a fill; both given ones need no arithmetic."""
        before = self.state
        if event.balance is not None and event.equity is not None:
            return event.balance, event.equity
        computed = before.balance - event.commission
        if closed := _closed_part(held.quantity, event.quantity):
            if held.average is None and event.balance is None:
                raise _Impossible("balance", "what the position was opened at is not known: give the balance")
            if held.average is not None:
                sign = 1 if held.quantity > 0 else -1
                computed += self._money(event.instrument, (event.price - held.average) * sign, closed)
        balance = computed if event.balance is None else event.balance
        if event.equity is not None:
            return balance, event.equity
        change = self._change(event.instrument, event.price) if held.quantity else ZERO
        return balance, before.equity + change - event.commission + balance - computed

    def _change(self, instrument: Instrument, price: Decimal) -> Decimal:
        """What a new price of what is held does to equity."""
        held = self._position(instrument)
        if held.price is None:
            raise _Impossible("equity", f"the price of {instrument.symbol} was not known: give the equity")
        return self._money(instrument, price - held.price, held.quantity)

    def _money(self, instrument: Instrument, price_change: Decimal, quantity: Decimal) -> Decimal:
        if not self._is_in_currency(instrument):
            raise _Impossible(
                "balance",
                f"{instrument.symbol} is in {instrument.currency}, the account in {self.terms.currency}: "
                "give balance and equity",
            )
        return instrument.money(price_change, quantity)

    def _is_in_currency(self, instrument: Instrument) -> bool:
        return instrument.currency == self.terms.currency

    def _position(self, instrument: Instrument) -> _Held:
        held = self.held.get(instrument)
        if held is None:
            raise _Impossible("symbol", f"nothing is held in {instrument.symbol}")
        return held

    def _close_trade(self, event: Fill, held: _Held, result: Decimal) -> None:
        state = self.state
        if result < 0:
            self.state = replace(state, losses_in_a_row=state.losses_in_a_row + 1, last_loss_at=event.at)
            sign = 1 if held.quantity > 0 else -1
            self.losses.append(ClosedLoss(event.at, event.instrument.family, sign, -result))
        elif result > 0:
            self.state = replace(state, losses_in_a_row=0)

    def _take_from_working(self, event: Fill) -> Decimal | None:
        """A fill comes out of the approved orders of its product and side; the stop it is protected by."""
        left, stop = abs(event.quantity), event.stop
        side = Side.BUY if event.quantity > 0 else Side.SELL
        for order in self.working:
            if order.instrument == event.instrument and order.intent.side is side and left:
                filled = min(order.quantity, left)
                order.quantity -= filled
                left -= filled
                if event.stop is None:
                    stop = order.intent.stop_loss
        self.working = [order for order in self.working if order.quantity]
        return stop

    def _pay(self, event: Payout) -> None:
        if event.amount <= 0:
            raise _Impossible("amount", f"the amount {event.amount} is not above zero")
        resets = any(floor.payout_effect is PayoutEffect.RESET for floor in self.terms.floors)
        to = self.terms.starting_balance if resets else None
        self.state = cash_flow(self.state, event.flow, event.amount, peaks_reset_to=to)

    # --- the engine -----------------------------------------------------------------------------------

    def _decide(self, event: Order) -> Decision:
        intent = event.intent
        if intent.session is None and self.terms.allowed_sessions:
            intent = replace(intent, session=session_at(event.at, self.terms.allowed_sessions))
        held = None if intent.instrument is None else self.held.get(intent.instrument)
        if intent.reduces and intent.opened_at is None and held is not None:
            intent = replace(intent, opened_at=held.opened_at)
        context = self._context(event.at, intent)
        decision = evaluate_order(
            OrderContext(**{name: getattr(context, name) for name in _CONTEXT_FIELDS}, intent=intent)
        )
        if decision.allowed:
            self._send(event.at, intent, decision)
        return decision

    def _send(self, at: datetime, intent: OrderIntent, decision: Decision) -> None:
        instrument, quantity = intent.instrument, intent.quantity
        if instrument is None or not quantity:
            return
        entry = RecentEntry(
            at, instrument.family, intent.side, quantity, intent.entry_price, intent.stop_loss,
            intent.has_own_id, intent.target,
        )  # fmt: skip
        self.sent.append(entry)
        if decision.risk is not None:  # an exit has none
            self.entries.append(entry)
            self.working.append(
                _Working(intent, instrument, quantity, decision.risk / quantity, at + LIFETIME)
            )

    def _context(self, at: datetime, intent: OrderIntent | None = None) -> AccountContext:
        around = self.around
        return AccountContext(
            now=at,
            terms=self.terms,
            guard=self.guard,
            state=self.state,
            positions=tuple(
                Position(
                    instrument=instrument, quantity=held.quantity, price=held.price, stop=held.stop,
                    opened_at=held.opened_at,
                )
                for instrument, held in self.held.items()
            ),
            working=around.working
            + tuple(
                WorkingOrder(
                    instrument=order.instrument, side=order.intent.side, quantity=order.quantity,
                    risk=order.risk * order.quantity,
                )
                for order in self.working
            ),
            flags=(*around.flags, *self._flags(at)),
            live=around.live,
            others=around.others,
            news=around.news,
            activity=self._activity(at, intent),
            deployment=around.deployment,
        )  # fmt: skip

    def _flags(self, at: datetime) -> Iterator[OpenFlag]:
        """What was broken before this instant and holds at it."""
        if self.failed is not None and self.failed.at < at:
            yield self.failed.flag
        for lock in self.locks:
            if lock.at < at and (lock.until is None or at < lock.until):
                yield lock.flag

    def _activity(self, at: datetime, intent: OrderIntent | None) -> Activity:
        window = max(MINUTE, timedelta(seconds=self.guard.duplicate_window_seconds))
        opened = self.terms.day.opens_at(self.state.trading_day)
        return Activity(
            entries=tuple(entry for entry in self.entries if entry.at > at - window),
            requests_today=sum(entry.at >= opened for entry in self.sent),
            losses=tuple(self.losses),
        )


_CONTEXT_FIELDS = tuple(AccountContext.__dataclass_fields__)


def _closed_part(held: Decimal, change: Decimal) -> Decimal:
    """How much of what is held a change takes away, unsigned."""
    return min(abs(held), abs(change)) if held * change < 0 else ZERO


def _average(held: _Held, event: Fill) -> Decimal | None:
    if held.average is None:
        return None
    paid = held.average * abs(held.quantity) + event.price * abs(event.quantity)
    return paid / (abs(held.quantity) + abs(event.quantity))


def _farther(first: Decimal | None, second: Decimal | None, *, is_long: bool) -> Decimal | None:
    """The stop that loses more; None if either part has none: then nothing bounds the whole."""
    if first is None or second is None:
        return None
    return min(first, second) if is_long else max(first, second)
