"""How many bot accounts of each family a scenario asks for, by share of accounts or of streams."""

import math

import numpy as np

from contracts.events import STREAM_MS
from producer.simulator.bots import BOTS
from producer.simulator.bots.family import Account, Campaign
from producer.simulator.bots.script import delivered
from producer.simulator.draws import Purpose, stream
from producer.simulator.listeners.dials import turn_dials
from producer.simulator.listeners.listening import Setting, listen
from producer.simulator.listeners.population import draw_traits
from producer.simulator.scenario import BAD_SESSIONS, SHARED_PARAMS, Scenario, ScenarioError

PILOT_USERS, PILOT_BOTS = 400, 6
ADVICE_MARGIN = 1.1


def bot_accounts(scenario: Scenario, setting: Setting) -> dict[str, int]:
    """Return accounts by family. Raises ScenarioError where a family would lack labels in some week."""
    for name, params in scenario.families.items():
        known = (*SHARED_PARAMS, BAD_SESSIONS, *BOTS[name].params)
        if unknown := [key for key in params if key not in known]:
            raise ScenarioError(f"{scenario.name}: {name}: unknown {', '.join(unknown)}; known: {', '.join(known)}")
    weights = {name: params.get("weight", 1.0) for name, params in scenario.families.items()}
    if not weights or scenario.prevalence == 0:
        return {}
    share = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    bots = scenario.prevalence * scenario.users
    if scenario.prevalence_of == "streams":
        bots = _accounts_for_streams(scenario, setting, share)
    counts = {name: round(bots * part) for name, part in share.items()}
    needed = {name: BOTS[name].campaigns_needed(scenario.days) for name in counts}
    short = {n: (needed[n] - 0.5) / max(bots * share[n], 1e-9) for n in counts if counts[n] < needed[n]}
    if short:
        scarcest = max(short, key=lambda name: short[name])
        # the pilot differs a little with the number of accounts: advice that is followed should suffice
        enough = math.ceil(ADVICE_MARGIN * scenario.users * short[scarcest])
        raise ScenarioError(
            f"{scenario.name}: {scarcest} needs {needed[scarcest]} accounts for labels in every week of "
            f"{scenario.days} days, {scenario.users} accounts leave it {counts[scarcest]}: take {enough} accounts or "
            f"more, raise prevalence or its weight, or name other families"
        )
    if sum(counts.values()) > scenario.users:
        raise ScenarioError(
            f"{scenario.name}: {sum(counts.values())} bot accounts among {scenario.users}: fewer, please"
        )
    return counts


def _accounts_for_streams(scenario: Scenario, setting: Setting, share: dict[str, float]) -> float:
    """Work out from a pilot how many bot accounts bring their share of the streams.

    The pilot: some hundred honest accounts and some of each family, with separate random numbers.
    """
    rng = stream(scenario.seed, Purpose.PILOT)
    users = np.arange(min(PILOT_USERS, scenario.users), dtype=np.int32)
    traits = draw_traits(users, setting.profile, setting.catalogue, rng)
    if scenario.listeners is not None:
        turn_dials(traits, np.arange(len(users)), scenario.listeners, scenario.seed, 0)
    sessions, plays = listen(traits, setting, rng)
    honest = float((plays["listen"] >= STREAM_MS).sum()) / len(users)
    of_a_bot = 0.0
    last = np.cumsum(sessions["n_plays"]) - 1
    for name, part in share.items():
        params = {k: v for k, v in scenario.families[name].items() if k not in SHARED_PARAMS}
        campaign = Campaign(
            0, 0, name, scenario.families[name].get("difficulty", scenario.difficulty), params, users[:PILOT_BOTS],
            setting.calendar.starts_ms, setting.calendar.ends_ms,
        )  # fmt: skip
        BOTS[name].order(campaign, setting, rng)

        def listening_of(who: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
            low, high = np.searchsorted(sessions["who"], (who, who + 1))
            first, stop = (last[low - 1] + 1 if low else 0), (last[high - 1] + 1 if high else 0)
            own = np.arange(low, high), np.arange(first, max(first, stop))
            return {k: v[own[0]] for k, v in sessions.items()}, {k: v[own[1]] for k, v in plays.items()}

        runs = [
            BOTS[name].run(Account(campaign, i, i, int(user), traits, listening_of), setting, rng)
            for i, user in enumerate(campaign.accounts)
        ]
        of_a_bot += part * sum(delivered(run) for run in runs) / len(runs)
    return scenario.prevalence / (1 - scenario.prevalence) * honest * scenario.users / max(of_a_bot, 1e-9)
