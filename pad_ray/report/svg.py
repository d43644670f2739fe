"""A matplotlib figure as SVG inside an HTML page: text stays text, colours are the page's own.

A figure is drawn with the placeholder colours below; in the page each is a CSS variable, so that the plot
follows light and dark. It is drawn twice, wide and narrow, since text that shrinks with a plot cannot be read
on a phone; the style sheet shows one of the two.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTHS = {"wide": 720, "narrow": 344}  # CSS pixels
_FONT_SIZE = 12  # CSS pixels
_LABEL_SHARE = 0.4  # of the width, at most

INK, MUTED, GRID, BASE, STUDENT, BACK = (f"#00000{n}" for n in range(1, 7))
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--rule",
    BASE: "--base",
    STUDENT: "--accent",
    BACK: "--page",
}

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pad-ray",
    "text.parse_math": False,  # labels come from data, where a dollar is a dollar
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "font.size": _FONT_SIZE,
    "axes.labelsize": _FONT_SIZE,
    "xtick.labelsize": _FONT_SIZE,
    "ytick.labelsize": _FONT_SIZE,
}
_NAMESPACE = re.compile(r"\{.*?\}")
_REFERENCE = re.compile(r"#([\w.-]+)(\)?)$")
_UNWANTED = {"metadata", "style"}


def inline(draw: Callable[[int], Figure], name: str, title: str) -> Markup:
    """Both sizes of a plot, as elements to be put into HTML.

    Args:
        draw: makes the figure for a width in CSS pixels.
        name: unique on the page; element ids begin with it.
        title: what the plot shows, for those who do not see it.
    """
    return Markup("").join(_draw(draw, width, f"{name}-{size}", title, size) for size, width in WIDTHS.items())


def label(text: str, width: int) -> str:
    """Text of any origin as a label: printable characters only, as XML has it, and room left for the plot.

    Args:
        text: the whole of it.
        width: of the figure, in CSS pixels.
    """
    clean = "".join(character if character.isprintable() else " " for character in text[:100])
    while _text_width(clean) > _LABEL_SHARE * width:
        clean = clean[:-2] + "…"
    return clean


def _text_width(text: str) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=_FONT_SIZE)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def figure(width: int, height: int) -> Figure:
    """An empty figure of a size in CSS pixels."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72, height / 72), layout="constrained")


def _draw(draw: Callable[[int], Figure], width: int, name: str, title: str, size: str) -> Markup:
    import warnings

    import matplotlib

    text = io.StringIO()
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # A glyph that the measuring font lacks is drawn by the browser's font all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        draw(width).savefig(text, format="svg", transparent=True)
    root = ElementTree.fromstring(text.getvalue())
    _clean(root, name)
    _describe(root, name, title, size)
    # From a tree: ElementTree has escaped all text in it.
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _clean(root: ElementTree.Element, name: str) -> None:
    """Takes out namespaces, metadata and style sheets; prefixes ids, turns colours into variables."""
    for element in list(root.iter()):
        for child in list(element):
            if _NAMESPACE.sub("", child.tag) in _UNWANTED:
                element.remove(child)
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
        attributes = {_NAMESPACE.sub("", key): value for key, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update({key: _attribute(key, value, name) for key, value in attributes.items()})


def _attribute(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key in ("href", "clip-path"):
        return _REFERENCE.sub(rf"#{name}-\1\2", value)
    if key == "style":
        kept = [part for part in value.split(";") if not part.strip().startswith("font-family")]
        value = ";".join(kept).strip()
        for colour, variable in _VARIABLES.items():
            value = value.replace(colour, f"var({variable})")
    return value


def _describe(root: ElementTree.Element, name: str, title: str, size: str) -> None:
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib.update({"class": size, "role": "img", "aria-labelledby": f"{name}-title"})
    described = ElementTree.Element("title", id=f"{name}-title")
    described.text = title
    root.insert(0, described)
