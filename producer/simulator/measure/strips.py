"""A day of each kind of account, side by side: what to look at before believing any number about detection."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from contracts.events import PLAYS, STREAM_MS
from producer.simulator.block import make_block
from producer.simulator.bots import BOTS, FAMILY_NAMES
from producer.simulator.cohorts import COHORT_NAMES, COHORTS
from producer.simulator.listeners.activity import load_chains
from producer.simulator.plan import make_plan
from producer.simulator.rows import Columns, take
from producer.simulator.scenario import Scenario, ScenarioError, load_scenario
from runtime.units import DAY_MS, HOUR_MS

HONEST, COVER, PAID = "#1769aa", "#f0a13c", "#c62828"
LEGEND = ((HONEST, "honest"), (COVER, "a bot's, not paid for"), (PAID, "paid for"))
GAP_BINS = np.linspace(0, 5, 26)
"""Log10 of seconds between the starts of two plays: a second to a day."""
FEWEST_PLAYS = 5
WIDTHS = (6, 1.1)
"""Of a strip, and of the gaps next to it."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """A simulated world in memory: plays with truth, cohort, and local time. Columns of equal length, by account."""

    scenario: Scenario
    plays: Columns


def simulate_crowd(
    difficulty: float = 0.5, prevalence: float = 0.3, users: int = 1_500, days: int = 4, seed: int = 7,
    families: tuple[str, ...] = tuple(BOTS),
) -> Crowd:  # fmt: skip
    """Simulate a world in which every family and every hard negative is common enough to look at."""
    scenario = replace(
        load_scenario("everything"), users=users, days=days, seed=seed, difficulty=difficulty, prevalence=prevalence,
        families={name: {} for name in families}, negatives=dict.fromkeys(COHORTS, 0.02),
    )  # fmt: skip
    plan, chains = make_plan(scenario), load_chains()
    blocks = [make_block(plan, number, chains) for number in range(plan.blocks)]
    joined = [block.joined(PLAYS) for block in blocks]
    plays = {name: np.concatenate([table[name] for table in joined]) for name in joined[0]}
    place = np.concatenate([block.traits.place for block in blocks])[plays["user"]]
    since = plays["time"] - plays["listen"] - plan.calendar.local_midnight[place, 0]
    plays |= {
        "day": since // DAY_MS,
        "hour": since % DAY_MS / HOUR_MS,
        "share": plays["listen"] / plan.catalogue.duration_ms[plays["track"]],
        "cohort": plan.cohort_of[plays["user"]],
        "is_bots": plan.campaign_of[plays["user"]] >= 0,
    }
    return Crowd(scenario, take(plays, np.lexsort((plays["time"], plays["user"]))))


def a_day_of(crowd: Crowd, kind: str) -> tuple[Columns, Columns]:
    """Choose an account and local day that is usual for a family or cohort; return its plays that day, and all days.

    Usual is the day with the median number of plays, of a bot the plays it is paid for. Raises ScenarioError where the
    crowd is too small to have one.
    """
    plays = crowd.plays
    if kind in FAMILY_NAMES[1:]:
        counted = (plays["family"] == FAMILY_NAMES.index(kind)) & plays["is_paid"]
    else:
        counted = (plays["cohort"] == COHORT_NAMES.index(kind)) & ~plays["is_bots"]
    # the first and last local days are cut by the world's period
    counted &= (plays["day"] > 1) & (plays["day"] < crowd.scenario.days)
    if not counted.any():
        size = f"{crowd.scenario.users} users for {crowd.scenario.days} days"
        raise ScenarioError(f"{kind}: no play on a whole local day in {size}: take 3 days or more, or more users")
    key = plays["user"] * np.int64(1_000) + plays["day"]
    days, counts = np.unique(key[counted], return_counts=True)
    days, counts = (days[counts >= FEWEST_PLAYS], counts[counts >= FEWEST_PLAYS]) if counts.max() >= FEWEST_PLAYS else (
        days, counts)  # fmt: skip
    chosen = days[np.argsort(counts, kind="stable")[len(days) // 2]]
    return take(plays, key == chosen), take(plays, plays["user"] == chosen // 1_000)


def draw_day(crowd: Crowd) -> Figure:
    """Draw a usual day of an ordinary listener, of each hard negative (left) and of each family (right)."""
    rows = max(len(COHORT_NAMES), len(BOTS))
    figure = Figure(figsize=(17, 0.62 * rows + 1.2), layout="constrained")
    left_and_right: Any = figure.subfigures(1, 2)
    for half, kinds in zip(left_and_right, (COHORT_NAMES, tuple(BOTS)), strict=True):
        grid = half.add_gridspec(rows, 2, width_ratios=WIDTHS)
        for row, kind in enumerate(kinds):
            _strip_and_gaps(half.add_subplot(grid[row, 0]), half.add_subplot(grid[row, 1]), *a_day_of(crowd, kind),
                            kind, is_last=row == len(kinds) - 1)  # fmt: skip
    _title(figure, f"A usual day: honest accounts (left), bots at difficulty {crowd.scenario.difficulty:g} (right)")
    return figure


def draw_dial(family: str, difficulties: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0), seed: int = 7) -> Figure:
    """Draw a usual day of one family from blatant to adaptive, under an ordinary listener's."""
    figure = Figure(figsize=(13, 0.75 * (len(difficulties) + 1) + 1.2), layout="constrained")
    grid = figure.add_gridspec(len(difficulties) + 1, 2, width_ratios=WIDTHS)
    crowds = [simulate_crowd(d, 0.2, 300, seed=seed, families=(family,)) for d in difficulties]
    strips = [(a_day_of(crowds[0], COHORT_NAMES[0]), "honest")]
    strips += [(a_day_of(crowd, family), f"{d:g}") for crowd, d in zip(crowds, difficulties, strict=True)]
    for row, (days, name) in enumerate(strips):
        _strip_and_gaps(figure.add_subplot(grid[row, 0]), figure.add_subplot(grid[row, 1]), *days, name,
                        is_last=row == len(strips) - 1)  # fmt: skip
    _title(figure, f"{family}: the difficulty dial from 0, blatant, to 1, adaptive")
    return figure


def count_streams(crowd: Crowd) -> pd.DataFrame:
    """Count accounts, streams and paid streams of each family; honest listening of bot accounts counts as honest."""
    plays = crowd.plays
    frame = pd.DataFrame({name: plays[name] for name in ("family", "user", "is_paid")})[plays["listen"] >= STREAM_MS]
    table = frame.groupby("family").agg(accounts=("user", "nunique"), streams=("user", "size"), paid=("is_paid", "sum"))
    table.index = pd.Index([FAMILY_NAMES[code] for code in table.index], name="family")
    table["streams_share"] = (table["streams"] / table["streams"].sum()).round(4)
    return table


def _colours(plays: Columns) -> NDArray[np.str_]:
    return np.where(plays["is_paid"], PAID, np.where(plays["family"] > 0, COVER, HONEST))


def _strip_and_gaps(strip: Axes, gaps: Axes, day: Columns, every: Columns, name: str, *, is_last: bool) -> None:
    """Draw plays along 24 local hours, as wide as heard, as high as their share, and the gaps next to them."""
    colours = _colours(day)
    strip.bar(day["hour"], 0.15 + 0.85 * day["share"], np.maximum(day["listen"] / HOUR_MS, 0.02), align="edge",
              color=colours, alpha=0.8, linewidth=0)  # fmt: skip
    strip.set(xlim=(0, 24), ylim=(0, 1.05), yticks=[], xticks=range(0, 25, 3))
    strip.set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center", fontsize=10)
    strip.grid(axis="x", color="#e4e7eb", linewidth=0.8)
    strip.set_axisbelow(True)
    log_gap = np.log10(np.maximum(np.diff(every["time"] - every["listen"]), 1_000) / 1_000)
    by_colour = [log_gap[_colours(every)[1:] == colour] for colour, _ in LEGEND]
    gaps.hist(by_colour, GAP_BINS.tolist(), stacked=True, color=[colour for colour, _ in LEGEND])
    gaps.set(yticks=[], xlim=(0, 5), xticks=np.log10([1, 60, 3_600]))
    for axis in (strip, gaps):
        axis.tick_params(length=0, labelsize=8, labelbottom=is_last)
        for side in ("top", "right", "left"):
            axis.spines[side].set_visible(False)
        axis.spines["bottom"].set_color("#c3c8cf")
    if is_last:
        strip.set_xlabel("local hour; a bar is a play, as high as the share that was heard", fontsize=9)
        gaps.set_xticklabels(["1 s", "1 min", "1 h"])
        gaps.set_xlabel("gaps, all days", fontsize=9)


def _title(figure: Figure, text: str) -> None:
    figure.suptitle(text, fontsize=14)
    figure.legend(handles=[Patch(color=colour, label=label) for colour, label in LEGEND], loc="outside lower center",
                  ncols=len(LEGEND), frameon=False)  # fmt: skip
