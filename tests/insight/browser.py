"""A headless Chromium that opens a page, lets it draw, and says what is there and what went wrong."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --enable-unsafe-swiftshader --enable-logging=stderr
""".split()  # noqa: SIM905 - as one would type them
SECONDS = 240  # until a page that says nothing is given up
ASK = """<script>
const told = { errors: [], alerts: 0 };
window.alert = () => { told.alerts += 1; };
window.addEventListener("error", (event) => told.errors.push(event.message));
window.addEventListener("unhandledrejection", (event) => told.errors.push(String(event.reason)));
(function wait() {
  if (!document.documentElement.dataset.drawn) return setTimeout(wait, 50);
  told.milliseconds = performance.now();
  told.figures = [...document.querySelectorAll("[data-figure]")].map((place) => ({
    caption: place.getAttribute("aria-label"),
    trials: place._fullData.reduce((n, t) => n + (t.meta && t.x ? t.x.length / t.meta.points_per_trial || 0 : 0), 0),
    dots: place.querySelectorAll(".scatterlayer .point").length,
    bars: place.querySelectorAll(".barlayer .point").length,
    width: place.getBoundingClientRect().width,
    text: place.querySelector("text") ? getComputedStyle(place.querySelector("text")).fill : "",
  }));
  told.ground = getComputedStyle(document.body).backgroundColor;
  told.width = innerWidth;
  told.overflows = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  told.reachable = [...document.querySelectorAll("a[href], summary, [tabindex]")].length;
  console.log("ANSWER" + JSON.stringify(told) + "END");
})();
</script>"""
FRAME = '<!doctype html><body style="margin:0"><iframe src="{}" style="width:{}px;height:900px;border:0"></iframe>'


def opened(page, width=1400, dark=False):
    """What the page looked like to a browser: `figures`, `errors`, `alerts`, `console`, `milliseconds`, `cpu_seconds`.

    It stands in a frame of that width, since a window cannot be narrower than 500 pixels.
    """
    asking = page.with_name(f"asked-{width}.html")
    text = page.read_text()
    policy = text.index("<head>") + len("<head>")
    asking.write_text(text[:policy] + ASK + text[policy:])
    framed = page.with_name(f"framed-{width}.html")
    framed.write_text(FRAME.format(asking.name, width))
    flags = [*FLAGS, f"--window-size={max(width, 500)},900"] + ["--blink-settings=preferredColorScheme=0"] * dark
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(
            [CHROMIUM, *flags, f"--user-data-dir={profile}", framed.as_uri()],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        late = threading.Timer(SECONDS, os.killpg, (browser.pid, signal.SIGKILL))
        late.start()
        said = []
        for line in browser.stderr:
            said.append(line)
            if answer := re.search(r'"ANSWER(\{.*\})END"', line):
                break
        late.cancel()
        spent = _cpu_seconds(browser.pid)
        if browser.poll() is None:
            os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
    assert answer, "".join(said)
    console = [line for line in said[:-1] if ":CONSOLE:" in line]
    console = [line for line in console if "GL Driver Message" not in line]  # of the graphics card that is imitated
    return json.loads(answer[1]) | {"console": console, "cpu_seconds": spent}


def _cpu_seconds(session):
    """What the processes of a session have computed so far; unlike the clock, a busy machine does not stretch it."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += (int(fields[11]) + int(fields[12])) * (int(fields[3]) == session)
    return ticks / os.sysconf("SC_CLK_TCK")
