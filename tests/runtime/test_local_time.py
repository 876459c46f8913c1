"""Local times are those of pandas, also in the hours around a change of the clock."""

import numpy as np
import pandas as pd
import pytest

from runtime.local_time import to_local_ms
from runtime.units import DAY_MS, HOUR_MS

FEBRUARY_2024_MS = 1_706_745_600_000


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "UTC"])
def test_a_year_of_quarter_hours_has_the_local_times_of_pandas(zone: str) -> None:
    epoch_ms = np.arange(FEBRUARY_2024_MS - 1, FEBRUARY_2024_MS + 366 * DAY_MS, HOUR_MS // 4)
    times = pd.DatetimeIndex(epoch_ms.view("datetime64[ms]"), tz="UTC").tz_convert(zone).tz_localize(None)
    expected = times.to_numpy("datetime64[ms]").view("int64")
    assert (to_local_ms(epoch_ms, np.zeros(len(epoch_ms), int), [zone]) == expected).all()


def test_a_time_that_no_calendar_of_python_can_hold_has_the_offset_of_the_nearest_one() -> None:
    far = np.array([-(2**60), 2**60])
    local = to_local_ms(far, np.zeros(2, int), ["Asia/Tokyo"])
    assert (np.abs(local - far) < DAY_MS).all()
