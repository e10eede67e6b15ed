// Draws the figures one after the other, so that the page answers while it fills, in the colours of the page.
"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const touch = matchMedia("(pointer: coarse)").matches;

function colours(layout) {
  const style = getComputedStyle(document.documentElement);
  const changes = { "font.color": style.getPropertyValue("--text").trim() };
  changes["hoverlabel.bgcolor"] = style.getPropertyValue("--card").trim();
  changes["hoverlabel.font.color"] = changes["font.color"];
  (layout.annotations || []).forEach((_, i) => {
    changes[`annotations[${i}].bgcolor`] = style.getPropertyValue("--card").trim() + "b8";
  });
  return changes;
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
  await Plotly.newPlot(place, data, layout, { responsive: true, displayModeBar: false });
  await Plotly.relayout(place, colours(layout));
}

async function drawAll() {
  const places = [...document.querySelectorAll("[data-figure]")];
  for (const place of places) {
    await draw(place);
    await new Promise((done) => setTimeout(done));
  }
  document.documentElement.dataset.drawn = places.length;
  dark.addEventListener("change", () => places.forEach((place) => Plotly.relayout(place, colours(place.layout))));
}

drawAll();
