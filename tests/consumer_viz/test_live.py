"""The plot itself: what a person reads on it, and what a frame costs after an hour."""

import io
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from conftest import NOW, Listen
from matplotlib.figure import Figure
from PIL import Image

from consumer_viz.live import DPI, SIZE_INCHES, VERMILION, LivePlot
from consumer_viz.messages import Arrival
from consumer_viz.view import LEAST_S, WINDOW_S, View, film, live_view, run_view
from consumer_viz.watch import HISTORY_S, blank_figure
from contracts.events import ACTIVITY, PLAYS
