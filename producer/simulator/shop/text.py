"""Times and ids as the shop's files write them."""

import uuid

import numpy as np

from runtime.arrays import Ints


def render_times(epoch_ms: Ints) -> list[str]:
    """Write times as `2024-01-01 00:20:54.302`.

    >>> render_times(np.array([1_704_068_454_302]))
    ['2024-01-01 00:20:54.302']
    """
    texts = np.datetime_as_string(epoch_ms.astype("datetime64[ms]"), unit="ms")
    return [str(text).replace("T", " ") for text in texts]


def render_ids(seed: int, kind: int, numbers: Ints) -> list[str]:
    """Write numbers as UUIDs; the same seed, kind and number give the same one.

    >>> render_ids(4, 1, np.array([7])) == render_ids(4, 1, np.array([7]))
    True
    """
    space = uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}:{kind}")
    return [str(uuid.uuid5(space, str(int(number)))) for number in numbers]
