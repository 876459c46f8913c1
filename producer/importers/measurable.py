"""Which features cannot be computed from what a source of listening histories contains."""

from collections.abc import Collection

from contracts.features import OWN_HISTORY_FEATURES, VS_OWN
from contracts.measurable import NEEDS_ACTIONS, NEEDS_FIELD, NEEDS_SECONDS


def not_measurable(actions: Collection[str], precision_ms: int, unknown: Collection[str] = ()) -> tuple[str, ...]:
    """Return the features that cannot be computed from a source, sorted.

    `actions`: those that the source reports. `precision_ms`: of its times. `unknown`: fields of a play that it lacks.

    >>> from contracts.events import ACTIONS
    >>> not_measurable(ACTIONS, 1000, ["reason_end"])
    ('self_drift', 'skip_rate', 'skip_rate_vs_own')
    >>> not_measurable(["licence_request"], 1000)
    ('actions_per_play', 'error_rate', 'failed_start_cnt', 'interaction_rate')
    """
    names = {name for name, needed in NEEDS_ACTIONS.items() if not set(needed) <= set(actions)}
    names |= {name for field in unknown for name in NEEDS_FIELD.get(field, ())}
    names |= set(NEEDS_SECONDS) if precision_ms > 1000 else set()
    compared = {f"{name}{VS_OWN}" for name in names} & {*OWN_HISTORY_FEATURES}
    return tuple(sorted(names | compared | ({"self_drift"} if compared else set())))
