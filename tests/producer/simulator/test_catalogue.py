"""Popularity: what is drawn, and what the static table says of it."""

from datetime import date

import numpy as np
import pytest

from producer.simulator.catalogue import CatalogueSettings, make_catalogue, tracks_table
from producer.simulator.ids import Ids
from producer.simulator.scenario import load_scenario


def test_drawn_tracks_follow_their_popularity_within_the_artist() -> None:
    catalogue = make_catalogue(load_scenario("small").catalogue, seed=1, days=1)
    rng = np.random.default_rng(2)
    drawn = catalogue.draw_track(np.zeros(200_000, np.int32), rng.random(200_000, dtype=np.float32))
    share = np.bincount(drawn, minlength=26)[:26] / 200_000
    # drawn by the continuous curve: close to rank^-b, not equal
    assert np.abs(share - catalogue.track_popularity[:26]).max() < 0.02


def test_the_table_is_in_the_order_of_its_ids_and_keeps_products() -> None:
    catalogue = make_catalogue(CatalogueSettings(n_artists=50), seed=1, days=3)
    table = tracks_table(catalogue, Ids(1), date(2025, 3, 3), 1)
    ids = table["track_id"].to_pylist()
    assert ids == sorted(ids)
    product = table["artist_popularity"].to_numpy() * table["track_popularity"].to_numpy()
    assert np.allclose(product, table["total_track_popularity"].to_numpy())
    assert product.sum() == pytest.approx(1)
