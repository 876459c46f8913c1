"""masked: a marathon on top of the account's own honest listening."""

from producer.simulator.bots.marathon import Marathon


class Masked(Marathon):
    """Parameters as for marathon; the owner's own sessions go on around the bot's."""

    name = "masked"
    keeps_cover = True
