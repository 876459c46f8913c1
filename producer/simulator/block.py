"""One block of accounts, from traits to rows: the unit of work. A pure function of the plan and the block's number."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.events import ACTIVITY, PLAYS
from producer.simulator.bots import BOTS
from producer.simulator.bots.family import Account, Run
from producer.simulator.cohorts import COHORT_NAMES, COHORTS
from producer.simulator.draws import Purpose, stream
from producer.simulator.ids import Kind
from producer.simulator.listeners.activity import act
from producer.simulator.listeners.chain import Chain
from producer.simulator.listeners.dials import turn_dials
from producer.simulator.listeners.listening import listen
from producer.simulator.listeners.places import place_sessions, update_cdm
from producer.simulator.listeners.population import Traits, draw_traits
from producer.simulator.plan import Plan, family_code
from producer.simulator.rows import PLAY_DTYPES, ROW_DTYPES, SESSION_DTYPES, Columns, stack, take
from producer.simulator.scenario import BAD_SESSIONS

ROWS_PER_BLOCK = 1 << 34
"""Room for the counters of one block's ids."""


@dataclass(frozen=True, slots=True)
class Block:
    """What a block gives: traits (for the static table and truth), sessions, and rows by topic.

    `session` of a row is its place among the sessions; `session` of a session is its id.
    """

    traits: Traits
    sessions: Columns
    rows: dict[str, Columns]

    def joined(self, topic: str) -> Columns:
        """Return the rows of a topic with all that their sessions say."""
        rows = self.rows[topic]
        return take(self.sessions, rows["session"]) | rows | {"session": self.sessions["session"][rows["session"]]}


def make_block(plan: Plan, number: int, chains: list[Chain]) -> Block:
    """Simulate the accounts of block `number`."""
    seed = plan.scenario.seed
    users = plan.users_of(number)
    rng = stream(seed, Purpose.POPULATION, number)
    traits = draw_traits(users, plan.setting.profile, plan.catalogue, rng)
    for code, name in enumerate(COHORT_NAMES[1:], start=1):
        who = np.flatnonzero(plan.cohort_of[users] == code)
        COHORTS[name](traits, who, rng)
    if plan.scenario.listeners is not None:
        turn_dials(traits, np.flatnonzero(plan.cohort_of[users] == 0), plan.scenario.listeners, seed, number)
    bots = np.flatnonzero(plan.campaign_of[users] >= 0)
    for bot in bots:
        if not BOTS[plan.campaigns[plan.campaign_of[users[bot]]].family].keeps_cover:
            traits.active[bot] = 0
    rng = stream(seed, Purpose.LISTENING, number)
    sessions, plays = listen(traits, plan.setting, rng)
    sessions = place_sessions(sessions, traits, plan.setting.places, rng)
    n = len(sessions["start"])
    sessions |= {"family": np.zeros(n, np.uint8), "campaign": np.full(n, -1, np.int32)}
    sessions, plays = _with_bots(plan, traits, bots, sessions, plays)
    if cdm_days := plan.setting.profile.cdm_days:
        sessions["cdm"] = update_cdm(sessions, cdm_days)
    sessions["session"] = plan.ids.words(Kind.SESSION, _counters(number, len(sessions["user"])))
    actions = act(sessions, plays, chains, stream(seed, Purpose.ACTIVITY, number))
    plays["time"] = plays.pop("end")
    return Block(
        traits, sessions,
        {PLAYS: _rows(plan, number, PLAYS, Kind.PLAY, plays),
         ACTIVITY: _rows(plan, number, ACTIVITY, Kind.EVENT, actions)},
    )  # fmt: skip


def _with_bots(
    plan: Plan, traits: Traits, bots: NDArray[np.int64], sessions: Columns, plays: Columns
) -> tuple[Columns, Columns]:
    """Add what bots do; where a bot is at work, the owner's own session gives way."""
    all_sessions, all_plays = [sessions], [plays]
    at = len(sessions["user"])
    is_dropped = np.zeros(at, dtype=bool)
    last = np.cumsum(sessions["n_plays"]) - 1

    def listening_of(who: int) -> tuple[Columns, Columns]:
        low, high = np.searchsorted(sessions["who"], (who, who + 1))
        first, stop = (last[low - 1] + 1 if low else 0), (last[high - 1] + 1 if high else 0)
        return take(sessions, np.arange(low, high)), take(plays, np.arange(first, max(first, stop)))

    for who in bots:
        user = int(traits.user[who])
        campaign = plan.campaigns[plan.campaign_of[user]]
        low, high = np.searchsorted(sessions["who"], (who, who + 1))
        own = np.arange(low, high)
        account = Account(campaign, int(plan.number_of[user]), int(who), user, traits, listening_of)
        rng = stream(plan.scenario.seed, Purpose.BOT, user)
        run = BOTS[campaign.family].run(account, plan.setting, rng)
        if (share := campaign.params.get(BAD_SESSIONS, 1.0)) < 1:
            run = _only(run, rng.random(len(run.sessions["start"])) < share)
        if len(run.plays["end"]) == 0:
            continue
        is_dropped[own] = _overlaps(sessions["start"][own], plays["end"][last[own]], run)
        is_dropped[own[run.drops]] = True
        n = len(run.sessions["start"])
        run.sessions |= {
            "user": np.full(n, user, np.int32), "family": np.full(n, family_code(campaign.family), np.uint8),
            "campaign": np.full(n, campaign.index, np.int32),
        }  # fmt: skip
        run.plays["session"] = at + np.repeat(np.arange(n), run.sessions["n_plays"])
        all_sessions.append(run.sessions)
        all_plays.append(run.plays)
        at += n
    kept_plays = ~is_dropped[plays["session"]]
    keep = np.ones(at, dtype=bool)
    keep[: len(is_dropped)] = ~is_dropped
    all_plays[0] = take(plays, kept_plays)
    every = take(stack(all_sessions, SESSION_DTYPES), keep)
    played = stack(all_plays, PLAY_DTYPES)
    played["session"] = (np.cumsum(keep) - 1)[played["session"]]
    return every, played


def _only(run: Run, keep: NDArray[np.bool_]) -> Run:
    """Keep some sessions of a run."""
    return Run(take(run.sessions, keep), take(run.plays, np.repeat(keep, run.sessions["n_plays"])), run.drops)


def _overlaps(begins: NDArray[np.int64], ends: NDArray[np.int64], run: Run) -> NDArray[np.bool_]:
    """Tell which of the account's own sessions touch one of the bot's (with a minute to spare)."""
    bot_begins = run.sessions["start"]
    bot_ends = run.plays["end"][np.cumsum(run.sessions["n_plays"]) - 1] + 60_000
    # the first bot session that ends after the own one begins
    following = np.minimum(np.searchsorted(bot_ends, begins), len(bot_ends) - 1)
    return (bot_ends[following] > begins) & (bot_begins[following] < ends + 60_000)


def _counters(number: int, n: int) -> NDArray[np.uint64]:
    """Count things of a block, apart from those of all others."""
    return np.arange(n, dtype=np.uint64) + np.uint64(number * ROWS_PER_BLOCK)


def _rows(plan: Plan, number: int, topic: str, kind: Kind, table: Columns) -> Columns:
    """Give ids, and keep what lies in the world's period."""
    table["id"] = plan.ids.words(kind, _counters(number, len(table["time"])))
    rows = {name: table[name] for name in ROW_DTYPES[topic]}
    inside = (rows["time"] >= plan.calendar.starts_ms) & (rows["time"] < plan.calendar.ends_ms)
    return rows if inside.all() else take(rows, inside)
