"""SVG as text: a picture with its label, and words in it. Colours and fonts come from the style sheet by class."""

from collections.abc import Sequence

from markupsafe import Markup, escape


def svg(width: float, height: float, label: str, parts: Sequence[str]) -> Markup:
    """Return a picture of parts that are SVG already; the label says what it shows."""
    body = Markup("").join(Markup(part) for part in parts)
    return Markup('<svg class="plot" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}</svg>').format(
        width, height, label, body
    )


def text(x: float, y: float, words: object, anchor: str = "start", kind: str = "tick") -> str:
    """Return words at a place, escaped."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'
