"""The simulated shop: its rows keep the rules of the files, and its fraud looks as it is said to."""

import ast
from pathlib import Path

import pandas as pd
import pytest

from contracts.shop import (
    BROWSING,
    CARD_TESTING,
    COLUMNS,
    FRAUD_FAMILIES,
    PROMO_ABUSE,
    TAKEOVER,
    TRANSACTIONS,
    column_names,
)
from producer.simulator.shop.build import FILES, TRUTH_FILE, build_shop
from producer.simulator.shop.scenario import ShopError, ShopScenario

SCENARIO = ShopScenario(customers=1500, days=2, seed=4)
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    build_shop(SCENARIO, folder)
    return folder


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / FILES[name], dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def transactions(folder: Path) -> pd.DataFrame:
    """Transactions with the family of their visit."""
    truth = pd.read_csv(folder / TRUTH_FILE, dtype=str, keep_default_na=False)
    return read(folder, TRANSACTIONS).merge(truth[["session_id", "family"]], on="session_id")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_file_has_the_columns_and_only_the_words_of_the_contract(folder: Path, name: str) -> None:
    frame = read(folder, name)
    assert tuple(frame.columns) == column_names(name)
    for column in COLUMNS[name]:
        if column.values:
            assert set(frame[column.name]) <= set(column.values)


@pytest.mark.parametrize(("name", "time"), [(BROWSING, "event_time"), (TRANSACTIONS, "created_at")])
def test_rows_are_in_order_of_time_to_the_millisecond(folder: Path, name: str, time: str) -> None:
    times = read(folder, name)[time]
    assert times.str.fullmatch(TIME).all()
    assert times.is_monotonic_increasing


def test_the_total_is_the_cart_less_the_promo_plus_the_shipment(transactions: pd.DataFrame) -> None:
    for row in transactions.to_dict("records"):
        cart = ast.literal_eval(row["product_metadata"])
        goods = sum(item["quantity"] * item["item_price"] for item in cart)
        assert int(row["total_amount"]) == goods - int(row["promo_amount"]) + int(row["shipment_fee"])


def test_a_payment_is_clear_where_it_went_through(transactions: pd.DataFrame) -> None:
    assert ((transactions["payment_status"] == "Success") == (transactions["clear_payment"] == "1")).all()


def test_every_checkout_is_a_transaction_of_its_session_and_time(folder: Path) -> None:
    checkouts = read(folder, BROWSING).query("event_type == 'CO'")[["session_id", "event_time"]]
    pairs = read(folder, TRANSACTIONS)[["session_id", "created_at"]]
    assert sorted(map(tuple, checkouts.to_numpy())) == sorted(map(tuple, pairs.to_numpy()))


def test_each_family_of_fraud_shows_what_it_is_said_to_do(transactions: pd.DataFrame) -> None:
    by_family = transactions.groupby("family")
    assert set(by_family.groups) == {"honest", *FRAUD_FAMILIES}
    total = by_family["total_amount"].apply(lambda amounts: amounts.astype(float).median())
    success = by_family["clear_payment"].apply(lambda flags: flags.astype(int).mean())
    promo = by_family["promo_code"].apply(lambda codes: (codes != "").mean())
    assert success[CARD_TESTING] < 0.3
    assert success["honest"] > 0.7
    assert total[CARD_TESTING] < total["honest"] < total[TAKEOVER]
    assert promo[PROMO_ABUSE] == 1.0 > promo["honest"]


def test_fraud_is_in_no_column_of_the_files(folder: Path) -> None:
    for name in FILES:
        text = (folder / FILES[name]).read_text()
        assert not any(family in text for family in FRAUD_FAMILIES)


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    build_shop(SCENARIO, tmp_path)
    for name in [*FILES.values(), TRUTH_FILE]:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_more_fraudsters_than_customers_are_refused_with_the_number_needed() -> None:
    with pytest.raises(ShopError, match="expected at least 188 customers"):
        ShopScenario(customers=100)
