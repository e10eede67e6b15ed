"""A page of tables and figures: one HTML file that needs no server and no network. All of its content is escaped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from itertools import count
from pathlib import Path

import pandas as pd

from caviar._checks import import_optional
from caviar.files import write_atomically
from caviar.insight.figures.style import Figure
from caviar.insight.formatting import format_value

MAX_ROWS = 200  # of a table on the page; its CSV file has all rows
LONG = 40  # characters: columns with longer strings are wrapped
POLICY = (  # the page loads nothing from elsewhere; Plotly needs 'unsafe-eval' for the graphics card
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; worker-src blob:"
)


@dataclass(frozen=True)
class Picture:
    """A figure and, folded below it, the table it was made from.

    Args:
        figure: of `caviar.insight.figures.style.figure`, with a caption.
        table: the data it shows.
        width: in pixels; if given, the figure gets its own row and scrolls on narrower screens.
    """

    figure: Figure
    table: pd.DataFrame
    width: int = 0


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, sentences, pictures, tables by heading, and code."""

    title: str
    sentences: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    code: str = ""


def write_page(path: Path, title: str, lead: str, facts: Mapping[str, str], sections: Sequence[Section]) -> Path:
    """Write the page atomically and return its path.

    Args:
        title, lead: the heading and the sentence below it.
        facts: a few key figures to show first, by name.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "study.html")
    >>> page = write_page(file, "Study", "A study.", {"trials": "3"}, [Section("The winner", ["Trial 2 <won>."])])
    >>> "<p>Trial 2 &lt;won&gt;.</p>" in page.read_text()
    True
    """
    figures = [picture.figure for section in sections for picture in section.pictures]
    links = "".join(f'<a href="#part-{i}">{escape(section.title)}</a>' for i, section in enumerate(sections))
    terms = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    numbers = count()
    parts = "".join(_section_html(f"part-{i}", section, numbers) for i, section in enumerate(sections))
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_read("page.css")}</style></head><body>'
        f'<a class="skip" href="#content">Skip to the content</a><header><h1>{escape(title)}</h1>'
        f'<p class="quiet">{escape(lead)}</p><dl class="facts">{terms}</dl><nav aria-label="Parts">{links}</nav>'
        f'</header><main id="content">{parts}</main>{_scripts(figures) if figures else ""}</body></html>\n'
    )
    write_atomically(path, html.encode())
    return path


def _section_html(anchor: str, section: Section, numbers: Iterator[int]) -> str:
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in section.sentences)
    pictures = "".join(_picture_html(picture, next(numbers)) for picture in section.pictures)
    grid = f'<div class="{"pictures" if len(section.pictures) > 1 else ""}">{pictures}</div>' if pictures else ""
    tables = "".join(f"<h3>{escape(name)}</h3>{_table_html(table)}" for name, table in section.tables.items())
    code = f'<pre tabindex="0"><code>{escape(section.code)}</code></pre>' if section.code else ""
    heading = f'<h2 id="{anchor}-title">{escape(section.title)}</h2>'
    return f'<section id="{anchor}" aria-labelledby="{anchor}-title">{heading}{sentences}{grid}{tables}{code}</section>'


def _picture_html(picture: Picture, number: int) -> str:
    """Return the element in which page.js draws the figure with this number, and its caption and table."""
    caption = escape(picture.figure.layout.meta["caption"])
    size = f"min-width:{picture.width}px;height:{picture.figure.layout.height}px"
    drawn = f'<div data-figure="{number}" role="img" aria-label="{caption}" style="{size}"></div>'
    folded = f"<details><summary>The table of this figure</summary>{_table_html(picture.table)}</details>"
    scrolled = f'<div class="picture" tabindex="0">{drawn}</div>'
    kind = ' class="wide"' if picture.width else ""
    return f"<figure{kind}>{scrolled}<figcaption>{caption}</figcaption>{folded}</figure>"


def _table_html(table: pd.DataFrame) -> str:
    """Return the first rows of a table; string columns are left-aligned, and long strings wrap."""
    rows, classes = table.head(MAX_ROWS), []
    for i, dtype in enumerate(rows.dtypes):
        long = rows.iloc[:, i].astype("str").str.len().max() > LONG
        classes.append("" if pd.api.types.is_numeric_dtype(dtype) else f' class="text{" long" if long else ""}"')
    head = "".join(
        f'<th scope="col"{kind}>{escape(str(name).replace("_", " "))}</th>'
        for kind, name in zip(classes, rows.columns, strict=True)
    )
    body = "".join(
        f"<tr>{''.join(f'<td{k}>{escape(format_value(v))}</td>' for k, v in zip(classes, row, strict=True))}</tr>"
        for row in rows.itertuples(index=False, name=None)
    )
    more = f'<p class="quiet">The first {MAX_ROWS} of {len(table)} rows.</p>' if len(table) > MAX_ROWS else ""
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table">{whole}</div>{more}'


def _scripts(figures: Sequence[Figure]) -> str:
    """Return Plotly, the figures as JSON, and the script that draws them."""
    plotly = import_optional("plotly.offline", "a report", "report").get_plotlyjs()
    data = f"[{','.join(figure.to_json() for figure in figures)}]"
    for character in "<\u2028\u2029":  # so that the JSON cannot end the script that contains it
        data = data.replace(character, f"\\u{ord(character):04x}")
    script = '<script type="application/json" id="figures">'
    return f"<script>{plotly}</script>{script}{data}</script><script>{_read('page.js')}</script>"


def _read(name: str) -> str:
    return resources.files("caviar.insight.report").joinpath(name).read_text(encoding="utf-8")
