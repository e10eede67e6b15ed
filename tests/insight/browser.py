"""A headless Chromium that opens a page, lets it draw, and reports what it shows and what went wrong."""

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
""".split()  # noqa: SIM905 - as on a command line
SECONDS = 240  # after which a page that does not answer counts as failed
PROBE = """<script>
const report = { errors: [], alerts: 0 };
window.alert = () => { report.alerts += 1; };
window.addEventListener("error", (event) => report.errors.push(event.message));
window.addEventListener("unhandledrejection", (event) => report.errors.push(String(event.reason)));
(function wait() {
  if (!document.documentElement.dataset.drawn) return setTimeout(wait, 50);
  report.milliseconds = performance.now();
  report.figures = [...document.querySelectorAll("[data-figure]")].map((div) => ({
    caption: div.getAttribute("aria-label"),
    trials: div._fullData.reduce((n, t) => n + (t.meta && t.x ? t.x.length / t.meta.points_per_trial || 0 : 0), 0),
    dots: div.querySelectorAll(".scatterlayer .point").length,
    bars: div.querySelectorAll(".barlayer .point").length,
    width: div.getBoundingClientRect().width,
    text: div.querySelector("text") ? getComputedStyle(div.querySelector("text")).fill : "",
  }));
  report.ground = getComputedStyle(document.body).backgroundColor;
  report.width = innerWidth;
  report.overflows = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  report.reachable = [...document.querySelectorAll("a[href], summary, [tabindex]")].length;
  console.log("ANSWER" + JSON.stringify(report) + "END");
})();
</script>"""
FRAME = '<!doctype html><body style="margin:0"><iframe src="{}" style="width:{}px;height:900px;border:0"></iframe>'


def opened(page, width=1400, dark=False):
    """Return what a browser reports of a page: `figures`, `errors`, `alerts`, `console`, `milliseconds`, `cpu_seconds`.

    The page is shown in a frame of the given width, because a window cannot be narrower than 500 pixels.
    """
    probe = page.with_name(f"probe-{width}.html")
    text = page.read_text()
    head = text.index("<head>") + len("<head>")
    probe.write_text(text[:head] + PROBE + text[head:])
    frame = page.with_name(f"frame-{width}.html")
    frame.write_text(FRAME.format(probe.name, width))
    flags = [*FLAGS, f"--window-size={max(width, 500)},900"] + ["--blink-settings=preferredColorScheme=0"] * dark
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(
            [CHROMIUM, *flags, f"--user-data-dir={profile}", frame.as_uri()],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        timer = threading.Timer(SECONDS, os.killpg, (browser.pid, signal.SIGKILL))
        timer.start()
        output = []
        for line in browser.stderr:
            output.append(line)
            if answer := re.search(r'"ANSWER(\{.*\})END"', line):
                break
        timer.cancel()
        cpu_seconds = _cpu_seconds(browser.pid)
        if browser.poll() is None:
            os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
    assert answer, "".join(output)
    console = [line for line in output[:-1] if ":CONSOLE:" in line]
    console = [line for line in console if "GL Driver Message" not in line]  # of the emulated graphics card
    return json.loads(answer[1]) | {"console": console, "cpu_seconds": cpu_seconds}


def _cpu_seconds(session):
    """Return the CPU time of a session's processes, which a busy machine does not stretch."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += (int(fields[11]) + int(fields[12])) * (int(fields[3]) == session)
    return ticks / os.sysconf("SC_CLK_TCK")
