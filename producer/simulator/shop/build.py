"""Make a shop's data set on disk: five CSV files as a shop would export them, and truth in a separate folder."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.random import Generator

from contracts.shop import BROWSING, DEVICE_TYPES, PROMO_ABUSE, TRAFFIC_SOURCES, TRANSACTIONS, column_names
from producer.simulator.draws import Purpose, stream
from producer.simulator.shop.chains import CHAINS, STATES
from producer.simulator.shop.checkouts import make_transactions
from producer.simulator.shop.scenario import ShopScenario
from producer.simulator.shop.tables import NEW_DAYS, ShopTables, make_tables
from producer.simulator.shop.text import render_ids, render_times
from producer.simulator.shop.visits import Events, Visits, family_of, make_events, make_visits

FILES = {
    BROWSING: "browsing.csv",
    TRANSACTIONS: "transactions.csv",
    "customers": "customers.csv",
    "products": "products.csv",
    "categories": "categories.csv",
}
TRUTH_FILE = "truth_sessions.csv"


def build_shop(scenario: ShopScenario, folder: Path) -> dict[str, int]:
    """Write the five files and the truth to `folder`; return the rows by file.

    Truth has a row per visit: session_id, customer_id, family, campaign_id. It is never a column of the five files.
    """
    rng = stream(scenario.seed, Purpose.SHOP)
    tables = make_tables(scenario, rng)
    visits = make_visits(scenario, tables, rng)
    _renew_households(scenario, tables, visits, rng)
    events = make_events(scenario, visits, rng)
    frames = {
        BROWSING: _browsing(scenario, tables, visits, events),
        TRANSACTIONS: make_transactions(scenario, tables, visits, events, rng),
        "customers": tables.customers,
        "products": tables.products,
        "categories": tables.categories,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame[list(column_names(name))].to_csv(folder / FILES[name], index=False, lineterminator="\n")
    _truth(scenario, tables, visits).to_csv(folder / TRUTH_FILE, index=False, lineterminator="\n")
    return {name: len(frame) for name, frame in frames.items()}


def _renew_households(scenario: ShopScenario, tables: ShopTables, visits: Visits, rng: Generator) -> None:
    """Give the accounts of promo households join dates of the last days: they were opened for the promo codes."""
    is_abuse = visits.kind == list(CHAINS).index(PROMO_ABUSE)
    accounts = np.unique(visits.customer[is_abuse])
    start = np.datetime64(scenario.starts_at, "D")
    joined = start - rng.integers(0, NEW_DAYS, len(accounts)).astype("timedelta64[D]")
    tables.customers.loc[accounts, "first_join_date"] = joined.astype(str)


def _browsing(scenario: ShopScenario, tables: ShopTables, visits: Visits, events: Events) -> pd.DataFrame:
    session = np.array(render_ids(scenario.seed, 1, np.arange(len(visits))))
    customer = tables.customers["customer_id"].to_numpy().astype(str)
    return pd.DataFrame(
        {
            "session_id": session[events.visit],
            "event_type": np.array(STATES)[events.state],
            "event_time": render_times(events.event_ms),
            "traffic_source": np.array(TRAFFIC_SOURCES)[visits.source[events.visit]],
            "device_type": np.array(DEVICE_TYPES)[visits.device[events.visit]],
            "customer_id": customer[visits.customer[events.visit]],
        }
    )


def _truth(scenario: ShopScenario, tables: ShopTables, visits: Visits) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "session_id": render_ids(scenario.seed, 1, np.arange(len(visits))),
            "customer_id": tables.customers["customer_id"].to_numpy()[visits.customer],
            "family": family_of(visits),
            "campaign_id": [f"c{number}" if number else "" for number in visits.campaign],
        }
    )
