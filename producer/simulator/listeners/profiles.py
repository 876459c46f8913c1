"""The calibrated kinds of honest listening: numbers fitted to published ones, which `calibrate` compares."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Habits:
    """Spread between people, in natural logs, of what the profile otherwise gives everyone."""

    haste: float
    """How early a track is cut that is cut."""
    streaks: float
    """How far completion goes up and down between runs of plays: some skip in streaks."""
    pausing: float
    """Chance of a pause after a track."""
    tempo: float
    """Length of silences."""
    moods: float
    """Largest spread of the silences between runs of plays of one person: who dawdles does so for a while."""
    day_spread: float
    """Unevenness of the days."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Parameters of honest listening. Log-odds and logs are natural."""

    name: str
    log_plays: float
    log_plays_sd: float
    day_sd: float
    glance: float
    """Share of active days on which the app is only glanced at: a few plays."""
    active_a: float
    active_b: float
    completion: float
    completion_sd: float
    completion_day_sd: float
    completion_session_sd: float
    completion_run_sd: float
    """Spread between runs of plays: who skips is looking for something, for a few tracks."""
    stop: float
    """Shift of the log-odds for the last play of a session: listeners stop in the middle of a track."""
    heavy: float
    """Shift of the log-odds of completion by log plays of the day above the median: heavy days skip less."""
    repeat: float
    repeat_sd: float
    repeat_day_sd: float
    session_plays: float
    early_skips: tuple[float, float, float, float]
    """Of the plays that are cut short: share under 5 s, 5–10 s, 10–30 s, 30 s to half; the rest falls later."""
    position: tuple[float, ...]
    """Shift of the log-odds of completion by position in the session, from the first; the last holds on."""
    pausing: float
    """Median over sessions of the chance of a pause between two tracks that play on."""
    passive_share: float
    newness: float = 0.03
    """Share of tracks that are new releases, by their age of some days."""
    niche_share: float = 0.3
    niche_power: float = 2.0
    end_play: float = 0.134
    """Of the plays that are cut short: the music was stopped."""
    back: float = 0.119
    """Of the plays that are cut short: the listener went back."""
    device_shares: tuple[float, ...] = (0.65, 0.17, 0.09, 0.04, 0.05, 0.0)
    """mobile, desktop, speaker, tv, car, web: an assumption (no trustworthy source)."""
    cdm_days: int = 0
    """Days after which a device's decryption module is updated; 0: never. An assumption: browsers update every four
    weeks."""
    mixed: tuple[float, float] = (0.58, 0.19)
    """Chance that a session is of several artists: the least, and how much more it may be."""
    pop_fan: tuple[float, float] = (0.20, 0.39)
    """Chance of a track from the popular catalogue: the least, and how much more it may be."""
    habits: Habits | None = None
    """How much people differ in their habits; None: everyone has the profile's."""


PROFILES: dict[str, Profile] = {
    p.name: p
    for p in (
        Profile(
            "spotify", log_plays=3.23, log_plays_sd=0.74, day_sd=0.72, glance=0.15, active_a=1.1, active_b=1.6,
            completion=-0.75, completion_sd=1.1, completion_day_sd=0.2, completion_session_sd=0.9,
            completion_run_sd=1.0, stop=-1.2, heavy=0.05, repeat=-3.0, repeat_sd=0.9, repeat_day_sd=0.7,
            session_plays=20.0, early_skips=(0.366, 0.076, 0.092, 0.255),
            position=(0.6, 0.05, -0.1, -0.28, -0.35, -0.4, -0.32, -0.25, -0.22, -0.2, -0.25), pausing=0.06,
            passive_share=0.25,
        ),
        Profile(
            "kkbox", log_plays=3.36, log_plays_sd=0.69, day_sd=0.72, glance=0.18, active_a=1.1, active_b=1.6,
            completion=1.8, completion_sd=1.25, completion_day_sd=0.25, completion_session_sd=1.1,
            completion_run_sd=1.7, stop=-1.5, heavy=0.15, repeat=-3.0, repeat_sd=0.9, repeat_day_sd=0.7,
            session_plays=20.0, early_skips=(0.12, 0.06, 0.12, 0.25),
            position=(0.2, 0.0), pausing=0.09, passive_share=0.35,
        ),
        # people as they are found outside: as `spotify`, but they differ from each other in every habit
        Profile(
            "field", log_plays=3.15, log_plays_sd=0.74, day_sd=0.72, glance=0.15, active_a=1.0, active_b=1.4,
            completion=-0.7, completion_sd=1.4, completion_day_sd=0.3, completion_session_sd=0.9,
            completion_run_sd=1.0, stop=-1.2, heavy=0.05, repeat=-3.0, repeat_sd=1.1, repeat_day_sd=0.7,
            session_plays=24.0, early_skips=(0.366, 0.076, 0.092, 0.255),
            position=(0.6, 0.05, -0.1, -0.28, -0.35, -0.4, -0.32, -0.25, -0.22, -0.2, -0.25), pausing=0.06,
            passive_share=0.3, mixed=(0.3, 0.7), pop_fan=(0.1, 0.8),
            habits=Habits(haste=0.4, streaks=1.0, pausing=1.2, tempo=0.7, moods=1.5, day_spread=0.3),
        ),
    )
}  # fmt: skip
PROFILES["clients"] = replace(
    PROFILES["spotify"], name="clients", device_shares=(0.57, 0.17, 0.09, 0.04, 0.03, 0.10), cdm_days=28
)
"""As `spotify`, with browsers among the devices, and decryption modules that are updated."""
