"""What a visit looks like: one Markov chain over event types per kind of customer, and one per kind of fraud."""

from contracts.shop import CARD_TESTING, EVENT_TYPES, PROMO_ABUSE, TAKEOVER
from producer.simulator.listeners.chain import END, START, Chain, from_rows

STATES = (START, *EVENT_TYPES, END)

CUSTOMER_CLASSES = ("browser", "buyer", "bargain_hunter")
CLASS_SHARES = (0.55, 0.30, 0.15)

_BROWSER = {
    START: {"HP": 0.60, "VP": 0.15, "SCR": 0.10, "VI": 0.15},
    "HP": {"SCR": 0.45, "CL": 0.25, "VP": 0.10, END: 0.20},
    "SCR": {"SCR": 0.25, "CL": 0.35, "HP": 0.10, END: 0.30},
    "CL": {"VI": 0.35, "CL": 0.15, "SCR": 0.20, "HP": 0.05, END: 0.25},
    "VI": {"CL": 0.25, "SCR": 0.20, "ATC": 0.10, "VI": 0.15, END: 0.30},
    "VP": {"VI": 0.35, "CL": 0.25, "HP": 0.10, END: 0.30},
    "ATC": {"CL": 0.30, "VI": 0.25, "CO": 0.20, END: 0.25},
    "AP": {"CO": 0.50, END: 0.50},
    "CO": {END: 1.0},
}
_BUYER = {
    START: {"HP": 0.45, "VI": 0.35, "VP": 0.10, "SCR": 0.10},
    "HP": {"SCR": 0.25, "CL": 0.45, "VP": 0.10, "VI": 0.10, END: 0.10},
    "SCR": {"SCR": 0.15, "CL": 0.45, "VI": 0.20, END: 0.20},
    "CL": {"VI": 0.50, "CL": 0.15, "ATC": 0.15, END: 0.20},
    "VI": {"ATC": 0.35, "CL": 0.25, "VI": 0.20, END: 0.20},
    "VP": {"VI": 0.50, "CL": 0.30, END: 0.20},
    "ATC": {"CO": 0.45, "VI": 0.20, "ATC": 0.10, "AP": 0.10, END: 0.15},
    "AP": {"CO": 0.80, END: 0.20},
    "CO": {END: 1.0},
}
_BARGAIN_HUNTER = {
    START: {"VP": 0.50, "HP": 0.40, "VI": 0.10},
    "HP": {"VP": 0.45, "SCR": 0.20, "CL": 0.20, END: 0.15},
    "SCR": {"CL": 0.45, "VP": 0.25, END: 0.30},
    "CL": {"VI": 0.45, "VP": 0.20, "CL": 0.10, END: 0.25},
    "VI": {"ATC": 0.25, "VP": 0.25, "CL": 0.25, END: 0.25},
    "VP": {"VI": 0.45, "VP": 0.15, "CL": 0.20, END: 0.20},
    "ATC": {"AP": 0.55, "CO": 0.15, "VI": 0.15, END: 0.15},
    "AP": {"CO": 0.70, "AP": 0.10, END: 0.20},
    "CO": {END: 1.0},
}
_CARD_TESTING = {
    START: {"VI": 0.75, "HP": 0.25},
    "HP": {"VI": 1.0},
    "VI": {"ATC": 1.0},
    "ATC": {"CO": 1.0},
    "CO": {END: 1.0},
}
_PROMO_ABUSE = {
    START: {"VP": 0.70, "HP": 0.30},
    "HP": {"VP": 1.0},
    "VP": {"VI": 0.75, "VP": 0.25},
    "VI": {"ATC": 1.0},
    "ATC": {"AP": 1.0},
    "AP": {"CO": 0.80, "AP": 0.20},
    "CO": {END: 1.0},
}
_TAKEOVER = {
    START: {"HP": 0.60, "VI": 0.40},
    "HP": {"CL": 0.60, "VI": 0.40},
    "CL": {"VI": 0.85, "CL": 0.15},
    "VI": {"ATC": 0.70, "VI": 0.30},
    "ATC": {"CO": 0.65, "VI": 0.35},
    "CO": {END: 1.0},
}
CHAINS: dict[str, Chain] = {
    name: from_rows(STATES, rows)
    for name, rows in (
        ("browser", _BROWSER),
        ("buyer", _BUYER),
        ("bargain_hunter", _BARGAIN_HUNTER),
        (CARD_TESTING, _CARD_TESTING),
        (PROMO_ABUSE, _PROMO_ABUSE),
        (TAKEOVER, _TAKEOVER),
    )
}
"""By kind of visit. Assumptions of ours: no public log of such a shop has its transition counts."""
