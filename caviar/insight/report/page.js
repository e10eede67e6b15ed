// Draws the figures one after the other, so that the page answers while it fills, in the colours of the page.
"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const touch = matchMedia("(pointer: coarse)").matches;

function colour(data, layout) {
  const style = getComputedStyle(document.documentElement);
  const [text, card] = ["--text", "--card"].map((name) => style.getPropertyValue(name).trim());
  layout.font = { ...layout.font, color: text };
  layout.hoverlabel = { bgcolor: card, font: { color: text } };
  (layout.annotations || []).forEach((note) => { note.bgcolor = card + "b8"; });
  data.filter((trace) => trace.error_x).forEach((trace) => { trace.error_x.color = text; });
}

function withoutGraphicsCard() {
  const canvas = document.createElement("canvas");
  return !(canvas.getContext("webgl2") || canvas.getContext("webgl"));
}

async function draw(place) {
  const { data, layout } = figures[place.dataset.figure];
  const drawnByCard = data.filter((trace) => trace.type === "scattergl");
  if (drawnByCard.length && withoutGraphicsCard()) drawnByCard.forEach((trace) => { trace.type = "scatter"; });
  if (touch) layout.dragmode = false;
  layout.autosize = true;
  colour(data, layout);
  await Plotly.newPlot(place, data, layout, { responsive: true, displayModeBar: false });
}

async function recolour(place) {
  colour(place.data, place.layout);
  await Plotly.redraw(place);
}

async function drawAll() {
  const places = [...document.querySelectorAll("[data-figure]")];
  for (const place of places) {
    await draw(place);
    await new Promise((done) => setTimeout(done));
  }
  document.documentElement.dataset.drawn = places.length;
  dark.addEventListener("change", () => places.forEach(recolour));
}

drawAll();
