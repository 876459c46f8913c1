"""The live plot: series, panels, figure, front ends."""
