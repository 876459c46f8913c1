# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Look at the simulator
# A usual day of an ordinary listener, of each honest account that looks like a bot, and of each kind of bot. Turn the
# dials and see what gets harder. Everything happens in memory: no broker, no Spark, no files.

# %% tags=["parameters"]
difficulty = 0.5  # 0 blatant, 1 adaptive
prevalence = 0.3  # share of accounts that are bots': far above life, so that every kind can be seen
family = "farm"  # whose dial is turned below
users, days, seed = 1500, 4, 7

# %%
import os
import sys
from pathlib import Path

os.chdir(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "contracts").is_dir()))
sys.path.insert(0, os.getcwd())

# %matplotlib inline
from IPython.display import display

from producer.simulator.measure.strips import count_streams, draw_day, draw_dial, simulate_crowd

crowd = simulate_crowd(difficulty, prevalence, users, days, seed)

# %% [markdown]
# **A day of each kind.** A bar is a play: as wide as it was heard, as high as the share of the track that was heard.
# Blue is honest, red was paid for, orange is the bot's own camouflage. Beside each strip: the gaps between plays.
# A hijacked or masked account keeps its owner's honest plays: the label is of the session, not of the account.

# %%
display(draw_day(crowd))

# %% [markdown]
# **The difficulty dial** of one family, from blatant to adaptive, under an ordinary one. Choose another `family` above.

# %%
display(draw_dial(family, seed=seed))

# %% [markdown]
# **The prevalence dial.** Accounts are not streams: few accounts of a loud family bring most of the fraud.

# %%
FEW = ("farm", "loop30", "marathon", "masked")  # a twentieth of the accounts is too few for every family
for share in (0.05, prevalence):
    print(f"{share:.0%} of accounts are bots'")
    display(count_streams(simulate_crowd(difficulty, share, users, days, seed, families=FEW)))
