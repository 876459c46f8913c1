"""SVG as text: a picture with its label, words and bars in it. Colours and fonts come from the style sheet by class."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

WIDTH, BOTTOM, BARS_LEFT, TALLEST, WIDEST = 760, 150, 56, 120, 60
"""Of bars over time: the picture's width, the axis from the top, room for the scale, the tallest and widest bar."""


def svg(width: float, height: float, label: str, parts: Sequence[str]) -> Markup:
    """Return a picture of parts that are SVG already; the label says what it shows."""
    body = Markup("").join(Markup(part) for part in parts)
    return Markup('<svg class="plot" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}</svg>').format(
        width, height, label, body
    )


def text(x: float, y: float, words: object, anchor: str = "start", kind: str = "tick") -> str:
    """Return words at a place, escaped."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def bar_step(n: int) -> float:
    """Return the distance of `n` bars over time."""
    return min((WIDTH - BARS_LEFT) / n, WIDEST)


def bars_over_time(kinds: Mapping[str, Sequence[float]], first: str, last: str = "") -> list[str]:
    """Return bars for each class, the later in front, on an axis from `first` to `last`, which may be left out."""
    n, top = max(map(len, kinds.values())), max(1, *map(max, kinds.values()))
    step = bar_step(n)
    parts = [
        f'<rect class="{kind}" x="{BARS_LEFT + k * step + 0.5:.1f}" y="{BOTTOM - TALLEST * value / top:.1f}" '
        f'width="{max(step - 1, 1):.1f}" height="{TALLEST * value / top:.1f}"/>'
        for kind, values in kinds.items()
        for k, value in enumerate(values)
    ]
    parts += [
        f'<line class="axis" x1="{BARS_LEFT}" x2="{BARS_LEFT + n * step:.1f}" y1="{BOTTOM}" y2="{BOTTOM}"/>',
        text(BARS_LEFT - 4, BOTTOM - TALLEST + 8, f"{top:,.0f}", "end"),
        text(BARS_LEFT, BOTTOM + 20, first),
    ]
    return [*parts, text(BARS_LEFT + n * step, BOTTOM + 20, last, "end")] if last else parts
