"""Transactions: one per checkout, with its cart, its payment and the place that it is sent to."""

import numpy as np
import pandas as pd
from numpy.random import Generator

from contracts.shop import (
    CARD_TESTING,
    FAIL,
    PAYMENT_METHODS,
    PROMO_ABUSE,
    SUCCESS,
    TAKEOVER,
    TRANSACTIONS,
    column_names,
)
from producer.simulator.shop.scenario import ShopScenario
from producer.simulator.shop.tables import ShopTables
from producer.simulator.shop.text import render_ids, render_times
from producer.simulator.shop.visits import CHECKOUT, Events, Visits, family_of

SUCCESS_SHARE = {"honest": 0.88, CARD_TESTING: 0.12, PROMO_ABUSE: 0.95, TAKEOVER: 0.82}
METHOD_SHARES = {
    "honest": (0.36, 0.18, 0.18, 0.16, 0.12),
    CARD_TESTING: (1.0, 0.0, 0.0, 0.0, 0.0),
    PROMO_ABUSE: (0.0, 0.1, 0.35, 0.35, 0.2),
    TAKEOVER: (0.6, 0.3, 0.04, 0.03, 0.03),
}
"""By family, in the order of PAYMENT_METHODS."""
PROMO_SHARE = {"honest": 0.22, CARD_TESTING: 0.0, PROMO_ABUSE: 1.0, TAKEOVER: 0.02}
PROMO_CODES = ("WEEKENDSERU", "LIBURDONG", "BUYMORE")
FIRST_ORDER_CODE = "FIRSTORDER"
SHIPMENT_FEES = (0, 5_000, 10_000, 50_000)
SHIPMENT_SHARES = (0.30, 0.15, 0.50, 0.05)
DEAREST_SHARE = 0.15
"""A takeover buys from this dearest share of the products; card testing from as cheap a share."""


def make_transactions(
    scenario: ShopScenario, tables: ShopTables, visits: Visits, events: Events, rng: Generator
) -> pd.DataFrame:
    """Return the transaction rows as text, in order of time, one per checkout event."""
    is_checkout = events.state == CHECKOUT
    visit, at_ms = events.visit[is_checkout], events.event_ms[is_checkout]
    families = family_of(visits)
    homes = tables.customers[["home_location_lat", "home_location_long"]].to_numpy()
    drops = {int(c): homes[rng.integers(len(homes))] + rng.normal(0, 0.02, 2) for c in np.unique(visits.campaign)}
    by_price = np.argsort(tables.products["price"].to_numpy(), kind="stable")
    edge = max(int(len(by_price) * DEAREST_SHARE), 1)
    ids, prices = tables.products["product_id"].to_numpy(), tables.products["price"].to_numpy()
    rows = []
    for place, number in enumerate(visit):
        family = families[number]
        if family == TAKEOVER:
            items = rng.choice(by_price[-edge:], rng.integers(1, 4))
        elif family == CARD_TESTING:
            items = rng.choice(by_price[:edge], 1)
        else:
            items = rng.choice(len(ids), 1 + rng.poisson(0.5), p=tables.popularity)
        items = np.unique(items)
        quantity = 1 + rng.poisson(0.8 if family == TAKEOVER else 0.25, len(items))
        cart = [
            {"product_id": int(ids[i]), "quantity": int(q), "item_price": int(prices[i])}
            for i, q in zip(items, quantity, strict=True)
        ]
        goods = sum(item["quantity"] * item["item_price"] for item in cart)
        has_promo = rng.random() < PROMO_SHARE[family]
        code = (FIRST_ORDER_CODE if family == PROMO_ABUSE else str(rng.choice(PROMO_CODES))) if has_promo else ""
        most = 0.5 if family == PROMO_ABUSE else 0.06
        promo = int(goods * rng.uniform(most / 3, most)) if has_promo else 0
        fee = int(rng.choice(SHIPMENT_FEES, p=SHIPMENT_SHARES))
        customer, campaign = int(visits.customer[number]), int(visits.campaign[number])
        home = homes[customer] if family == "honest" else drops[campaign]
        lat, long = home + rng.normal(0, 0.03 if family == "honest" else 0.002, 2)
        is_paid = rng.random() < SUCCESS_SHARE[family]
        rows.append(
            (
                render_times(at_ms[place : place + 1])[0],
                str(tables.customers["customer_id"].iat[customer]),
                render_ids(scenario.seed, 2, np.array([place]))[0],
                render_ids(scenario.seed, 1, np.array([number]))[0],
                str(cart),
                str(rng.choice(PAYMENT_METHODS, p=METHOD_SHARES[family])),
                SUCCESS if is_paid else FAIL,
                str(promo),
                code,
                str(fee),
                f"{lat:.12f}",
                f"{long:.12f}",
                str(goods - promo + fee),
                str(int(is_paid)),
            )
        )
    return pd.DataFrame(rows, columns=list(column_names(TRANSACTIONS)), dtype=str)
