"""A plot over message sizes, both axes logarithmic, as SVG."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 820, 500
LEFT, RIGHT, TOP, BOTTOM = 76, 210, 44, 60  # margins; the right one holds the legend
STEPS = (1, 2, 5)  # of a decade that have a line of their own
# Told apart by the colour blind too (Okabe and Ito), and by their marks.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#888888"]
MARKS = ["circle", "square", "diamond"]
STYLE = """text { font: 13px sans-serif; fill: #222 }
.title { font-size: 16px }
.grid { stroke: #ddd }
.frame { stroke: #555; fill: none }
.curve { fill: none; stroke-width: 2 }"""


class Axis:
    """From values to pixels."""

    def __init__(self, low, high, start, end):
        self.low, self.start = math.log10(low), start
        self.scale = (end - start) / ((math.log10(high) - self.low) or 1)

    def __call__(self, value):
        return round(self.start + (math.log10(value) - self.low) * self.scale, 1)


def steps(low, high):
    """1, 2, 5, 10, 20 .. from the one below `low` to the one above `high`."""
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 2)
    all_steps = [round(step * 10.0**decade, 6) for decade in decades for step in STEPS]
    first = max(step for step in all_steps if step <= low)
    last = min(step for step in all_steps if step >= high)
    return [step for step in all_steps if first <= step <= last]


def bytes_text(size):
    return f"{size // 1024} KiB" if size >= 1024 and size % 1024 == 0 else f"{size} B"


def svg(curves, title, y_label):
    """`curves`: a name to its points (size, value), all above 0, in the order of the legend."""
    points = [point for curve in curves.values() for point in curve]
    sizes = sorted({x for x, _ in points})
    levels = steps(min(y for _, y in points), max(y for _, y in points))
    x_axis = Axis(sizes[0], sizes[-1], LEFT + 20, WIDTH - RIGHT - 20)
    y_axis = Axis(levels[0], levels[-1], HEIGHT - BOTTOM, TOP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             f'width="{WIDTH}" height="{HEIGHT}" role="img">',
             f"<title>{escape(title)}</title><style>{STYLE}</style>",
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
             text(LEFT, 24, title, "start", "title"),
             *scales(sizes, levels, x_axis, y_axis, y_label)]
    for number, (name, curve) in enumerate(curves.items()):
        parts += drawn(number, name, sorted(curve), x_axis, y_axis)
    return "\n".join([*parts, "</svg>\n"])


def scales(sizes, levels, x_axis, y_axis, y_label):
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for size in sizes:
        yield line(x_axis(size), TOP, x_axis(size), bottom, 'class="grid"')
        yield text(x_axis(size), bottom + 20, bytes_text(size), "middle")
    for level in levels:
        yield line(LEFT, y_axis(level), right, y_axis(level), 'class="grid"')
        yield text(LEFT - 8, y_axis(level) + 4, f"{level:g}", "end")
    yield (f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{right - LEFT}" '
           f'height="{bottom - TOP}"/>')
    yield text((LEFT + right) / 2, HEIGHT - 16, "message size", "middle")
    middle = (TOP + bottom) / 2
    yield (f'<g transform="rotate(-90 20 {middle})">{text(20, middle, y_label, "middle")}</g>')


def drawn(number, name, curve, x_axis, y_axis):
    """A curve, and its entry in the legend."""
    colour = COLOURS[number % len(COLOURS)]
    places = [(x_axis(size), y_axis(value)) for size, value in curve]
    corners = " ".join(f"{x},{y}" for x, y in places)
    yield f'<polyline class="curve" stroke="{colour}" points="{corners}"/>'
    x, y = WIDTH - RIGHT + 16, TOP + 12 + 24 * number
    yield line(x, y, x + 28, y, f'class="curve" stroke="{colour}"')
    for place in [*places, (x + 14, y)]:
        yield mark(MARKS[number % len(MARKS)], *place, colour)
    yield text(x + 36, y + 4, name, "start")


def mark(kind, x, y, colour):
    if kind == "circle":
        return f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>'
    turned = f' transform="rotate(45 {x} {y})"' if kind == "diamond" else ""
    return f'<rect x="{x - 3.5}" y="{y - 3.5}" width="7" height="7" fill="{colour}"{turned}/>'


def line(x1, y1, x2, y2, look):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {look}/>'


def text(x, y, words, anchor, kind=""):
    kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'
