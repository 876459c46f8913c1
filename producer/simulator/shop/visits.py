"""Visits: who comes when, of what kind, and what the client does until the visit ends."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from contracts.shop import CARD_TESTING, DEVICE_TYPES, PROMO_ABUSE, TAKEOVER, TRAFFIC_SOURCES
from producer.simulator.listeners.chain import walk
from producer.simulator.same_math import exp
from producer.simulator.shop.chains import CHAINS, CUSTOMER_CLASSES, STATES
from producer.simulator.shop.scenario import ShopScenario
from producer.simulator.shop.tables import ShopTables
from runtime.arrays import Ints
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS

KINDS = tuple(CHAINS)
HONEST = "honest"
SECONDS_BETWEEN_EVENTS = {"honest": 22.0, CARD_TESTING: 1.2, PROMO_ABUSE: 7.0, TAKEOVER: 9.0}
"""Median seconds from event to event, by family."""
HOUR_WEIGHTS = (3, 2, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 7, 7, 8, 10, 12, 13, 12, 9, 6)


@dataclass(frozen=True, slots=True)
class Visits:
    """One entry per visit."""

    customer: Ints
    """Index into the customers."""
    kind: Ints
    """Index into KINDS: the chain that it follows."""
    campaign: Ints
    """Number of the campaign; 0 for honest visits."""
    started_ms: Ints
    device: Ints
    """Index into DEVICE_TYPES."""
    source: Ints
    """Index into TRAFFIC_SOURCES."""

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True, slots=True)
class Events:
    """One entry per browsing row, in order of time."""

    visit: Ints
    state: Ints
    """Index into STATES."""
    event_ms: Ints


def make_visits(scenario: ShopScenario, tables: ShopTables, rng: Generator) -> Visits:
    """Draw honest visits and those of the three families of fraud."""
    usual = np.array([DEVICE_TYPES.index(d) for d in tables.customers["device_type"]])
    n = rng.poisson(scenario.customers * scenario.days * scenario.visits_per_day)
    customer = rng.integers(0, scenario.customers, n)
    weights = np.array(HOUR_WEIGHTS) / sum(HOUR_WEIGHTS)
    hour, day = rng.choice(24, n, p=weights), rng.integers(0, scenario.days, n)
    started = day * DAY_MS + hour * HOUR_MS + rng.integers(0, HOUR_MS, n)
    parts = [_part(customer, tables.customer_class[customer], np.zeros(n, np.int64), started, usual[customer], rng)]
    thieves = rng.permutation(scenario.customers)
    span_ms = scenario.days * DAY_MS
    campaign = 0
    for number in range(scenario.card_testing_campaigns):
        campaign += 1
        size = scenario.attempts_per_campaign
        begin = rng.integers(0, max(span_ms - HOUR_MS, 1))
        at = begin + np.cumsum(rng.exponential(40_000, size)).astype(np.int64)
        who = np.full(size, thieves[number])
        parts.append(_part(who, _kind(CARD_TESTING, size), np.full(size, campaign), at, usual[who], rng, app=0.1))
    thieves = thieves[scenario.card_testing_campaigns :]
    for _ in range(scenario.promo_households):
        campaign += 1
        who, thieves = thieves[: scenario.accounts_per_household], thieves[scenario.accounts_per_household :]
        who = np.repeat(who, 2)
        at = rng.integers(0, max(span_ms - 6 * HOUR_MS, 1)) + rng.integers(0, 6 * HOUR_MS, len(who))
        device = np.full(len(who), usual[who[0]])
        parts.append(_part(who, _kind(PROMO_ABUSE, len(who)), np.full(len(who), campaign), at, device, rng))
    for victim in thieves[: scenario.takeovers]:
        campaign += 1
        size = int(rng.integers(1, 4))
        who = np.full(size, victim)
        at = rng.integers(0, max(span_ms - HOUR_MS, 1)) + np.sort(rng.integers(0, HOUR_MS, size))
        device = np.full(size, 1 - usual[victim] if rng.random() < 0.6 else usual[victim])
        parts.append(_part(who, _kind(TAKEOVER, size), np.full(size, campaign), at, device, rng))
    joined = Visits(*(np.concatenate(column) for column in zip(*map(_columns, parts), strict=True)))
    order = np.argsort(joined.started_ms, kind="stable")
    return Visits(*(column[order] for column in _columns(joined)))


def _columns(visits: Visits) -> tuple[Ints, ...]:
    return visits.customer, visits.kind, visits.campaign, visits.started_ms, visits.device, visits.source


def _kind(family: str, size: int) -> Ints:
    return np.full(size, KINDS.index(family))


def _part(
    customer: Ints, kind: Ints, campaign: Ints, at: Ints, device: Ints, rng: Generator, app: float = 0.85
) -> Visits:
    """Put visits together; `app` is the share of them that come from the app and not from a browser."""
    source = np.where(rng.random(len(customer)) < app, TRAFFIC_SOURCES.index("MOBILE"), TRAFFIC_SOURCES.index("WEB"))
    return Visits(customer, kind, campaign, at.astype(np.int64), device, source)


def family_of(visits: Visits) -> list[str]:
    """Return the family of each visit: honest, or a family of fraud."""
    names = [HONEST if kind in CUSTOMER_CLASSES else kind for kind in KINDS]
    return [names[kind] for kind in visits.kind]


def make_events(scenario: ShopScenario, visits: Visits, rng: Generator) -> Events:
    """Walk each visit's chain; the time between two of its events is log-normal, by family."""
    visit, state, step = walk(list(CHAINS.values()), visits.kind.astype(np.uint8), rng)
    medians = np.array([SECONDS_BETWEEN_EVENTS[HONEST if k in CUSTOMER_CLASSES else k] for k in KINDS]) * 1000
    drawn = medians[visits.kind[visit]] * exp(0.9 * rng.standard_normal(len(visit)))
    gaps = np.minimum(drawn, 20 * MINUTE_MS).astype(np.int64) + 1
    order = np.lexsort((step, visit))
    visit, states, gaps = visit[order], state[order].astype(np.int64), gaps[order]
    total = np.cumsum(gaps)
    is_first = np.diff(visit, prepend=-1) != 0
    before = np.repeat((total - gaps)[is_first], np.diff(np.append(np.flatnonzero(is_first), len(visit))))
    event_ms = scenario.start_ms + visits.started_ms[visit] + total - before
    by_time = np.lexsort((visit, event_ms))
    return Events(visit[by_time], states[by_time], event_ms[by_time])


CHECKOUT = STATES.index("CO")
