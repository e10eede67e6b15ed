"""A page of tables and figures: one HTML file that needs no server and no network. All of its content is escaped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from caviar._checks import import_optional
from caviar.files import write_atomically
from caviar.insight.formatting import format_value

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_ROWS = 200  # of a table on the page; its CSV file has them all
WIDE = 500  # pixels: a figure that needs more gets a row to itself
LONG = 40  # characters: columns with longer strings are wrapped
TEXT = ' class="text"'  # of a column of strings
POLICY = (  # the page loads nothing from elsewhere; Plotly needs 'unsafe-eval' for the graphics card
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; worker-src blob:"
)


@dataclass(frozen=True)
class Picture:
    """A figure and, folded below it, the table that it was made from.

    Args:
        figure: of `caviar.insight.figures.style.figure`, with a caption.
        table: what it shows.
        width: pixels; on narrower screens the figure scrolls instead of shrinking.
        wide: whether it gets a row to itself at any width.
    """

    figure: "Figure"
    table: pd.DataFrame
    width: int = 0
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, sentences, pictures, tables by heading, and code."""

    title: str
    sentences: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    code: str = ""


def write_page(path: Path, title: str, lead: str, facts: Mapping[str, str], sections: Sequence[Section]) -> Path:
    """Write the page, whole or not at all, and return its path.

    Args:
        path: the file.
        title, lead: the heading and the sentence below it.
        facts: a few figures to begin with, by name.
        sections: in order.

    Raises:
        MissingError: there are pictures, but Plotly is not installed.
        StorageError: the file cannot be written.
    """
    write_atomically(path, page_html(title, lead, facts, sections).encode())
    return path


def page_html(title: str, lead: str, facts: Mapping[str, str], sections: Sequence[Section]) -> str:
    """Return the page as HTML; see `write_page`.

    >>> "<h2 id=" in page_html("Study", "A study.", {"trials": "3"}, [Section("The winner", ["Trial 2."])])
    True
    """
    figures = [picture.figure for section in sections for picture in section.pictures]
    links = "".join(f'<a href="#part-{i}">{escape(s.title)}</a>' for i, s in enumerate(sections))
    terms = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    numbers = count()
    parts = "".join(_section_html(f"part-{i}", section, numbers) for i, section in enumerate(sections))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_read("page.css")}</style></head><body>'
        f'<a class="skip" href="#content">Skip to the content</a><header><h1>{escape(title)}</h1>'
        f'<p class="quiet">{escape(lead)}</p><dl class="facts">{terms}</dl><nav aria-label="Parts">{links}</nav>'
        f'</header><main id="content">{parts}</main>{_scripts(figures) if figures else ""}</body></html>\n'
    )


def table_html(table: pd.DataFrame) -> str:
    """Return a table as HTML: its first `MAX_ROWS` rows, numbers with four significant digits, everything escaped.

    >>> "<td>0.1235</td>" in table_html(pd.DataFrame({"loss": [0.123456]}))
    True
    """
    texts = [not pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]
    classes = [_text_class(table.iloc[:MAX_ROWS, i]) if text else "" for i, text in enumerate(texts)]
    names = [escape(str(name).replace("_", " ")) for name in table.columns]
    heads = zip(names, texts, strict=True)
    head = "".join(f'<th scope="col"{TEXT if text else ""}>{name}</th>' for name, text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td{c}>{escape(format_value(v))}</td>" for c, v in zip(classes, row, strict=True)) + "</tr>"
        for row in table.head(MAX_ROWS).itertuples(index=False, name=None)
    )
    more = f'<p class="quiet">The first {MAX_ROWS} of {len(table)} rows.</p>' if len(table) > MAX_ROWS else ""
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table">{whole}</div>{more}'


def _section_html(anchor: str, section: Section, numbers: Iterator[int]) -> str:
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in section.sentences)
    pictures = "".join(_picture_html(picture, next(numbers)) for picture in section.pictures)
    grid = f'<div class="{"pictures" if len(section.pictures) > 1 else ""}">{pictures}</div>' if pictures else ""
    tables = "".join(f"<h3>{escape(name)}</h3>{table_html(table)}" for name, table in section.tables.items())
    code = f'<pre tabindex="0"><code>{escape(section.code)}</code></pre>' if section.code else ""
    heading = f'<h2 id="{anchor}-title">{escape(section.title)}</h2>'
    return f'<section id="{anchor}" aria-labelledby="{anchor}-title">{heading}{sentences}{grid}{tables}{code}</section>'


def _picture_html(picture: Picture, number: int) -> str:
    """Return the place that page.js draws the figure of this number in, its caption and its table."""
    caption = escape(picture.figure.layout.meta["caption"])
    size = f"min-width:{picture.width}px;height:{picture.figure.layout.height}px"
    kind = ' class="wide"' if picture.wide or picture.width > WIDE else ""
    drawn = f'<div data-figure="{number}" role="img" aria-label="{caption}" style="{size}"></div>'
    folded = f"<details><summary>The table of this picture</summary>{table_html(picture.table)}</details>"
    scrolled = f'<div class="picture" tabindex="0">{drawn}</div>'
    return f"<figure{kind}>{scrolled}<figcaption>{caption}</figcaption>{folded}</figure>"


def _scripts(figures: Sequence["Figure"]) -> str:
    """Return Plotly, the figures as JSON, and the script that draws them."""
    plotly = import_optional("plotly.offline", "a report", "report").get_plotlyjs()
    data = ",".join(_figure_json(figure) for figure in figures)
    return (
        f'<script>{plotly}</script><script type="application/json" id="figures">[{data}]</script>'
        f"<script>{_read('page.js')}</script>"
    )


def _text_class(column: "pd.Series[str]") -> str:
    """Return the class of a column of strings: long ones are wrapped."""
    return ' class="text long"' if column.astype("str").str.len().max() > LONG else TEXT


def _figure_json(figure: "Figure") -> str:
    """Return a figure as JSON that cannot end the script that contains it."""
    json: str = figure.to_json()
    return json.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _read(name: str) -> str:
    return resources.files("caviar.insight.report").joinpath(name).read_text(encoding="utf-8")
