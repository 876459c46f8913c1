"""The lists of the queue in SQL: which cases and rings are in each, and in what order."""

from consumer_viz.dashboard.decisions.due import DUE_DAYS_SQL

_IS_UNDECIDED = "(v.case_id is null or v.verdict = 'open')"
_IS_BACK = "(v.verdict = 'dismiss' and v.step <> 'appeal' and coalesce(c.last_scored_at, '') > v.decided_at)"
_IS_BLIND = "c.drawn_by in ('blind', 'random')"
IS_HIDDEN = f"({_IS_BLIND} and ({_IS_UNDECIDED} or v.verdict in ('proposed', 'need_more')))"
"""Whether an account is reviewed blind and not decided yet, or not any more: see `Case.is_hidden`."""
_IS_HELD = "coalesce(w.hold_until, '') > today()"
IS_SETTLED = f"v.verdict in ('confirm', 'dismiss') and v.step <> 'appeal' and not {_IS_BACK}"
TABS: dict[str, tuple[str, str]] = {
    "suspected": ("Suspected", f"c.drawn_by = 'flag' and ({_IS_UNDECIDED} or {_IS_BACK}) and not {_IS_HELD}"),
    "sample": ("Blind sample", f"{_IS_BLIND} and {_IS_UNDECIDED}"),
    "review": ("Second review", "v.verdict = 'proposed'"),
    "assigned": ("Assigned", f"(w.assignee is not null or w.is_escalated) and not coalesce({IS_SETTLED}, 0)"),
    "waiting": (
        "Waiting",
        f"(v.verdict = 'need_more' or v.step = 'appeal' or c.drawn_by = 'flag' and {_IS_UNDECIDED} and {_IS_HELD})",
    ),
    "decided": ("Decided", IS_SETTLED),
}
"""Lists of the queue: title, and the condition of its cases. Without a verdict the columns of `v` are null, without an
assignment those of `w`; `today()` is the UTC day."""
ORDERS = {"suspected": "c.risk desc, c.case_id", "sample": "c.case_id", "review": "v.decided_at, c.case_id",
          "waiting": "v.decided_at, c.case_id",
          "assigned": "w.is_escalated desc, c.risk desc, c.case_id",
          "decided": "v.decided_at desc, c.case_id"}  # fmt: skip
"""The sample is in the order of its random ids: the order of risk would show the scores that it hides."""
OTHER_ORDERS = {
    "oldest": "c.first_flagged_at, c.case_id",
    "due": f"julianday(c.first_flagged_at) + {DUE_DAYS_SQL}, c.case_id",
}
"""Other orders of the suspected cases: the oldest flag first, what is due first."""
IS_LEFT_OUT = "exists (select 1 from verdicts.left_out x where x.case_id = c.case_id and x.ring_id = m.ring_id)"
"""Whether an analyst left a member (`c`, `m`) out of its ring's verdict."""
IS_SINGLE = f"not exists (select 1 from ring_members m where m.user_id = c.user_id and not {IS_LEFT_OUT})"
"""Whether an account is a row of the queue by itself: it is in no ring, or was left out of its ring's verdict."""
RING_LISTS = {
    "suspected": "coalesce(max(r.hold_until), '') <= today()",
    "assigned": "max(r.assignee) is not null or max(r.is_escalated)",
    "review": "true",
    "waiting": "coalesce(max(r.hold_until), '') > today()",
}
"""Lists that have rings, with accounts to decide, and which of them; `r` is the ring's assignment."""
FROM_MEMBERS = """from ring_members m join cases c on c.user_id = m.user_id
    left join verdicts.standing v on v.case_id = c.case_id left join verdicts.work w on w.subject = c.case_id"""


def single_in(tab: str) -> str:
    """Return the condition of the accounts that are rows of a list: members of rings are none where the ring is one."""
    if tab == "review":
        return f"({IS_SINGLE} or {IS_HIDDEN})"
    return IS_SINGLE if tab == "suspected" else "true"


def rings_in(tab: str) -> str:
    """Return the query of the ids of the rings in a list (RING_LISTS)."""
    members = TABS["review" if tab == "review" else "suspected"][1]
    return f"""select m.ring_id {FROM_MEMBERS} left join verdicts.work r on r.subject = m.ring_id
        where {members} and not {IS_HIDDEN} and not {IS_LEFT_OUT} group by m.ring_id having {RING_LISTS[tab]}"""
