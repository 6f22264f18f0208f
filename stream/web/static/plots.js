// Line plots of the last minutes, as SVG.

import { make } from "./dom.js";

const WIDTH = 320;
const HEIGHT = 120;
const LEFT = 44;
const BOTTOM = 18;
const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes a figure with a plot.
 * @param {string} title with the unit
 * @param {Date[]} times in order
 * @param {Array<{name: string, values: Array<number|null>}>} lines
 */
export function plot(title, times, lines) {
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": summary(title, lines) });
  const first = times[0]?.getTime() ?? 0;
  const span = Math.max(1, (times.at(-1)?.getTime() ?? 0) - first);
  const most = roundUp(Math.max(0, ...lines.flatMap((line) => line.values.filter((value) => value !== null))));
  const x = (time) => LEFT + ((time.getTime() - first) / span) * (WIDTH - LEFT - 6);
  const y = (value) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - 8);
  for (const value of [0, most / 2, most]) {
    svg.append(shape("line", { class: "grid", x1: LEFT, x2: WIDTH - 6, y1: y(value), y2: y(value) }));
    svg.append(text(LEFT - 5, y(value) + 4, "end", shortNumber(value)));
  }
  svg.append(text(LEFT, HEIGHT - 3, "start", `${Math.round(span / 60000)} min ago`), text(WIDTH - 6, HEIGHT - 3, "end", "now"));
  lines.forEach((line, number) => {
    for (const points of unbroken(times, line.values, x, y)) {
      svg.append(shape("polyline", { class: `line-${number}`, points: points.join(" ") }));
    }
  });
  const keys = lines.map((line, number) =>
    make("li", {}, make("span", { class: `key line-${number}`, "aria-hidden": "true" }), `${line.name}: ${newest(line)}`));
  return make("figure", { class: "plot" }, make("figcaption", {}, title), svg, make("ul", { class: "keys" }, ...keys));
}

/** Returns the points of each part of a line without missing values. */
function unbroken(times, values, x, y) {
  const parts = [[]];
  values.forEach((value, place) => {
    if (value === null) parts.push([]);
    else parts.at(-1).push(`${x(times[place]).toFixed(1)},${y(value).toFixed(1)}`);
  });
  return parts.filter((points) => points.length);
}

function summary(title, lines) {
  return `${title}: ${lines.map((line) => `${line.name} ${newest(line)}`).join(", ")}`;
}

function newest(line) {
  const value = line.values.at(-1);
  return value === null || value === undefined ? "none" : shortNumber(value);
}

function shortNumber(value) {
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(2);
}

/** Returns 1, 2 or 5 times a power of ten that is not less. */
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= value);
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

function text(x, y, anchor, content) {
  const made = shape("text", { x, y, "text-anchor": anchor });
  made.textContent = content;
  return made;
}
