"""The shop's static tables: categories, products and customers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator

from producer.simulator.same_math import exp, log, power
from producer.simulator.shop.chains import CLASS_SHARES, CUSTOMER_CLASSES
from producer.simulator.shop.scenario import ShopScenario
from runtime.arrays import Ints

_TREE: dict[str, dict[str, tuple[str, ...]]] = {
    "Apparel": {
        "Topwear": ("Shirts", "T-shirts", "Jackets", "Sweaters"),
        "Bottomwear": ("Jeans", "Trousers", "Skirts", "Shorts"),
        "Sportswear": ("Track Pants", "Jerseys"),
    },
    "Footwear": {"Shoes": ("Casual Shoes", "Sports Shoes", "Heels"), "Sandals": ("Sandals", "Flip Flops")},
    "Accessories": {
        "Bags": ("Backpacks", "Handbags", "Wallets"),
        "Watches": ("Watches",),
        "Jewellery": ("Rings", "Earrings"),
        "Eyewear": ("Sunglasses",),
    },
    "Personal Care": {"Fragrance": ("Perfume", "Deodorant"), "Makeup": ("Lipstick", "Foundation")},
}
_CENTRES = ((-6.20, 106.85), (-7.25, 112.75), (-6.91, 107.61), (-7.80, 110.37), (3.59, 98.67), (-5.15, 119.43))
"""Cities that customers live around, latitude and longitude in degrees."""
_COLOURS = ("Black", "White", "Blue", "Red", "Green", "Grey", "Brown", "Pink")
MEDIAN_PRICE, PRICE_LOG_SD = 180_000, 0.8
"""Prices in rupiah: the examples of the assignment lie between 60,000 and 500,000."""

NEW_SHARE, NEW_DAYS = 0.06, 14
"""Share of customers who joined within so many days: new accounts alone are no sign of fraud."""


@dataclass(frozen=True, slots=True)
class ShopTables:
    """Static tables, and what only the simulator knows: each customer's class, and how popular a product is."""

    categories: pd.DataFrame
    products: pd.DataFrame
    customers: pd.DataFrame
    customer_class: Ints
    """Index into CUSTOMER_CLASSES, by customer."""
    popularity: np.ndarray[tuple[int], np.dtype[np.float64]]
    """Share of items that are a product's, by product."""


def make_tables(scenario: ShopScenario, rng: Generator) -> ShopTables:
    """Draw categories, products and customers."""
    categories = _categories()
    products = _products(scenario, categories, rng)
    customers = _customers(scenario, rng)
    classes = rng.choice(len(CUSTOMER_CLASSES), scenario.customers, p=CLASS_SHARES)
    weights = 1 / power(np.arange(1.0, scenario.products + 1), 0.7)
    popularity = rng.permutation(weights / weights.sum())
    return ShopTables(categories, products, customers, classes, popularity)


def _categories() -> pd.DataFrame:
    rows = [
        (master, sub, article)
        for master, subs in _TREE.items()
        for sub, articles in subs.items()
        for article in articles
    ]
    table = pd.DataFrame(rows, columns=["master_category", "sub_category", "article_type"])
    table.insert(0, "category_id", range(1, len(table) + 1))
    return table


def _products(scenario: ShopScenario, categories: pd.DataFrame, rng: Generator) -> pd.DataFrame:
    n = scenario.products
    category = rng.integers(0, len(categories), n)
    colour = rng.integers(0, len(_COLOURS), n)
    article = categories["article_type"].to_numpy()[category]
    names = [f"{_COLOURS[c]} {a} {i}" for i, (c, a) in enumerate(zip(colour, article, strict=True), 1)]
    price = exp(log(MEDIAN_PRICE) + PRICE_LOG_SD * rng.standard_normal(n))
    return pd.DataFrame(
        {
            "product_id": np.sort(rng.choice(60_000, n, replace=False)) + 1,
            "name": names,
            "category_id": categories["category_id"].to_numpy()[category],
            "price": np.maximum(np.round(price / 100) * 100, 5_000).astype(np.int64),
            "year": rng.integers(2012, 2024, n),
        }
    )


def _customers(scenario: ShopScenario, rng: Generator) -> pd.DataFrame:
    n = scenario.customers
    centre = np.array(_CENTRES)[rng.integers(0, len(_CENTRES), n)]
    home = centre + rng.normal(0, 0.25, (n, 2))
    start = np.datetime64(scenario.starts_at, "D")
    born = start - rng.integers(18 * 365, 65 * 365, n).astype("timedelta64[D]")
    days_ago = np.where(rng.random(n) < NEW_SHARE, rng.integers(0, NEW_DAYS, n), rng.integers(NEW_DAYS, 8 * 365, n))
    joined = start - days_ago.astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer_id": np.sort(rng.choice(20 * n, n, replace=False)) + 1,
            "gender": rng.choice(["F", "M"], n, p=[0.6, 0.4]),
            "birthdate": born.astype(str),
            "device_type": rng.choice(["Android", "iOS"], n, p=[0.75, 0.25]),
            "home_location_lat": np.round(home[:, 0], 5),
            "home_location_long": np.round(home[:, 1], 5),
            "home_country": "Indonesia",
            "first_join_date": joined.astype(str),
        }
    )
