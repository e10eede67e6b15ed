"""A page of tables and figures: one HTML file that needs no server and no network. Everything shown is escaped."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from caviar._checks import import_optional
from caviar.errors import StorageError

ROWS = 200  # of a table that stands in the page; the whole one is in its CSV
WIDE = 500  # pixels: a picture that needs more gets a line of its own
LONG = 40  # letters from which on a text is wrapped
POLICY = (  # the page loads nothing from anywhere; 'unsafe-eval' is Plotly's, for the graphics card
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; worker-src blob:"
)


@dataclass(frozen=True)
class Picture:
    """A figure, and the table that it was made from, folded beside it."""

    figure: Any
    table: pd.DataFrame
    width: int = 0  # pixels below which the picture scrolls instead of shrinking
    wide: bool = False  # on a line of its own, however narrow it could be


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, sentences, pictures, tables by heading, and preformatted text."""

    title: str
    sentences: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    code: str = ""


def write_page(path: Path, title: str, lead: str, facts: dict[str, str], sections: Sequence[Section]) -> Path:
    """Write the page, whole or not at all.

    Args:
        path: the file.
        title, lead: its heading and the sentence below.
        facts: a few figures to begin with, by name.
        sections: in order.

    Raises:
        StorageError: it cannot be written there.
    """
    text = page(title, lead, facts, sections)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        raise StorageError(f"cannot write {path} ({error.strerror}); give another file") from None
    return path


def page(title: str, lead: str, facts: dict[str, str], sections: Sequence[Section]) -> str:
    """The page as text; see `write_page`."""
    pictures = [picture for section in sections for picture in section.pictures]
    numbers = {id(picture): i for i, picture in enumerate(pictures)}
    figures = ",".join(_json(picture.figure) for picture in pictures)
    links = "".join(f'<a href="#part-{i}">{escape(s.title)}</a>' for i, s in enumerate(sections))
    listed = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    parts = "".join(_section(f"part-{i}", section, numbers) for i, section in enumerate(sections))
    plotly = (
        f"<script>{import_optional('plotly.offline', 'a report', 'report').get_plotlyjs()}</script>" if pictures else ""
    )
    drawing = f'<script type="application/json" id="figures">[{figures}]</script><script>{_file("page.js")}</script>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_file("page.css")}</style></head><body>'
        f'<a class="skip" href="#content">Skip to the content</a><header><h1>{escape(title)}</h1>'
        f'<p class="quiet">{escape(lead)}</p><dl class="facts">{listed}</dl><nav aria-label="Parts">{links}</nav>'
        f'</header><main id="content">{parts}</main>{plotly}{drawing if pictures else ""}</body></html>\n'
    )


def table_html(table: pd.DataFrame) -> str:
    """A table of at most `ROWS` rows, numbers short, everything escaped."""
    texts = [not pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]
    kinds = [' class="text"' if text else "" for text in texts]
    widths = [_long(table.iloc[:ROWS, i]) if text else "" for i, text in enumerate(texts)]
    names = [escape(str(name).replace("_", " ")) for name in table.columns]
    head = "".join(f'<th scope="col"{kind}>{name}</th>' for kind, name in zip(kinds, names, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{k}>{_cell(v)}</td>" for k, v in zip(widths, row, strict=True)) + "</tr>"
        for row in table.head(ROWS).itertuples(index=False, name=None)
    )
    more = f'<p class="quiet">The first {ROWS} of {len(table)} rows.</p>' if len(table) > ROWS else ""
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table">{whole}</div>{more}'


def _section(anchor: str, section: Section, numbers: dict[int, int]) -> str:
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in section.sentences)
    pictures = "".join(_picture(picture, numbers[id(picture)]) for picture in section.pictures)
    grid = f'<div class="{"pictures" if len(section.pictures) > 1 else ""}">{pictures}</div>' if pictures else ""
    tables = "".join(f"<h3>{escape(name)}</h3>{table_html(table)}" for name, table in section.tables.items())
    code = f'<pre tabindex="0"><code>{escape(section.code)}</code></pre>' if section.code else ""
    heading = f'<h2 id="{anchor}-title">{escape(section.title)}</h2>'
    return f'<section id="{anchor}" aria-labelledby="{anchor}-title">{heading}{sentences}{grid}{tables}{code}</section>'


def _picture(picture: Picture, number: int) -> str:
    caption = escape(picture.figure.layout.meta["caption"])
    size = f"min-width:{picture.width}px;height:{picture.figure.layout.height}px"
    kind = ' class="wide"' if picture.wide or picture.width > WIDE else ""
    drawn = f'<div data-figure="{number}" role="img" aria-label="{caption}" style="{size}"></div>'
    folded = f"<details><summary>The table of this picture</summary>{table_html(picture.table)}</details>"
    scrolled = f'<div class="picture" tabindex="0">{drawn}</div>'
    return f"<figure{kind}>{scrolled}<figcaption>{caption}</figcaption>{folded}</figure>"


def _long(column: Any) -> str:
    """The class of a column of text: one that is long is wrapped."""
    return ' class="text long"' if column.astype("str").str.len().max() > LONG else ' class="text"'


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or value != value:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _json(figure: Any) -> str:
    """A figure as JSON that cannot end the script that it stands in."""
    text: str = figure.to_json()
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _file(name: str) -> str:
    return resources.files("caviar.insight.report").joinpath(name).read_text(encoding="utf-8")
