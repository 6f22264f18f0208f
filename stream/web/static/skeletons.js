// Live skeletons on canvases, one for each source.

import { make, sync } from "./dom.js";
import { colourOf, nameOf } from "./people_in_view.js";

// Joint and parent joint of each bone; the order of the joints is that of stream.skeleton.CANONICAL.
const BONES = [
  [1, 0], [2, 1], [3, 2], [4, 2], [5, 4], [6, 5], [7, 6], [8, 2], [9, 8], [10, 9], [11, 10],
  [12, 0], [13, 12], [14, 13], [15, 14], [16, 0], [17, 16], [18, 17], [19, 18],
];
const WIDTH = 640;
const HEIGHT = 480;
const FOCAL = WIDTH / 2 / Math.tan((35 * Math.PI) / 180); // a field of view of 70 degrees, as a Kinect v2 has
const NEAREST_M = 0.5; // nearer skeletons, such as those without a place, are drawn at 3 m
const LOW_CONFIDENCE = 0.5;
const NAME_SIZE = 20;
const STALE_MS = 2000;
const CALM_MS = 1000;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Canvases in an element, which show the frames that they are given. */
export class SkeletonFigures {
  #frames = new Map();
  #sources = [];
  #timer = 0;

  /**
   * @param {Element} parent
   * @param {function} [isShown] whether a track is drawn strongly
   */
  constructor(parent, isShown = () => true) {
    this.parent = parent;
    this.isShown = isShown;
  }

  /** Makes a canvas for each source. */
  setSources(names) {
    this.#sources = names;
    sync(this.parent, names, (name) => name, makeFigure, () => {});
  }

  /** Returns whether there is a canvas for the source of a frame. */
  has(frame) {
    return frame.source < this.#sources.length;
  }

  /** Takes a frame; with reduced motion, at most one a second. */
  put(frame) {
    const now = performance.now();
    const before = this.#frames.get(frame.source);
    if (calm.matches && before !== undefined && now - before.at < CALM_MS) return;
    this.#frames.set(frame.source, { frame, at: now });
    this.#draw(frame.source);
  }

  /** Begins to look for sources that give no frames. */
  start() {
    this.stop();
    this.#timer = setInterval(() => this.redraw(), STALE_MS / 2);
    this.redraw();
  }

  stop() {
    clearInterval(this.#timer);
  }

  redraw() {
    this.#sources.forEach((_, source) => this.#draw(source));
  }

  #draw(source) {
    const figure = this.parent.children[source];
    if (figure === undefined) return;
    const held = this.#frames.get(source);
    const fresh = held !== undefined && performance.now() - held.at < STALE_MS + (calm.matches ? CALM_MS : 0);
    const bodies = fresh ? held.frame.bodies : [];
    const canvas = figure.querySelector("canvas");
    const pen = prepare(canvas);
    const styles = getComputedStyle(canvas);
    const far = [...bodies].sort((a, b) => depth(b) - depth(a));
    for (const body of far) drawBody(pen, body, styles, this.isShown(body.track));
    const taken = [];
    for (const body of far.reverse()) writeName(pen, body, styles, taken);
    describeFigure(figure, canvas, bodies, fresh);
  }
}

function makeFigure(name) {
  const canvas = make("canvas", { width: WIDTH, height: HEIGHT, role: "img", "aria-label": `Skeletons before ${name}` });
  return make("figure", { class: "skeleton" }, canvas,
    make("figcaption", {}, make("strong", {}, name), " ", make("span", { class: "state" })));
}

function prepare(canvas) {
  const scale = Math.min(2, devicePixelRatio || 1);
  if (canvas.width !== WIDTH * scale) {
    canvas.width = WIDTH * scale;
    canvas.height = HEIGHT * scale;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, WIDTH, HEIGHT);
  return pen;
}

function describeFigure(figure, canvas, bodies, fresh) {
  const names = bodies.map((body) => nameOf(body.track));
  const state = fresh ? names.join(", ") || "nobody in view" : "no skeletons at present";
  const label = `Skeletons before ${figure.dataset.key}: ${state}`;
  if (canvas.getAttribute("aria-label") === label) return;
  canvas.setAttribute("aria-label", label);
  figure.querySelector(".state").textContent = state;
}

function depth(body) {
  return body.joints[0]?.[2] ?? 0;
}

/** Returns where a joint is on the canvas, or null. X points to the sensor's left, Y up. */
function project(joint, shift) {
  if (!joint) return null;
  const z = joint[2] + shift;
  return z > 0.1 ? [WIDTH / 2 - (FOCAL * joint[0]) / z, HEIGHT / 2 - (FOCAL * joint[1]) / z] : null;
}

function pointsOf(body) {
  const shift = depth(body) < NEAREST_M ? 3 : 0;
  return body.joints.map((joint) => project(joint, shift));
}

function drawBody(pen, body, styles, strong) {
  const points = pointsOf(body);
  pen.strokeStyle = pen.fillStyle = styles.getPropertyValue(`--track-${colourOf(body.track)}`);
  pen.lineWidth = strong ? 4 : 2;
  pen.lineCap = "round";
  for (const [joint, parent] of BONES) {
    if (!points[joint] || !points[parent]) continue;
    const sure = Math.min(body.confidence[joint], body.confidence[parent]) >= LOW_CONFIDENCE;
    pen.setLineDash(sure ? [] : [2, 6]);
    pen.beginPath();
    pen.moveTo(...points[parent]);
    pen.lineTo(...points[joint]);
    pen.stroke();
  }
  pen.setLineDash([]);
  if (points[3]) {
    pen.beginPath();
    pen.arc(...points[3], strong ? 7 : 5, 0, 2 * Math.PI);
    pen.fill();
  }
}

/** Writes the name of a body above its head, or above the names that are there already. */
function writeName(pen, body, styles, taken) {
  const seen = pointsOf(body).filter(Boolean);
  if (!seen.length) return;
  const text = nameOf(body.track);
  pen.font = `600 ${NAME_SIZE}px ${styles.fontFamily}`;
  const width = pen.measureText(text).width;
  const middle = seen.reduce((sum, [x]) => sum + x, 0) / seen.length;
  const x = Math.max(4, Math.min(WIDTH - width - 4, middle - width / 2));
  let y = Math.max(NAME_SIZE + 2, Math.min(...seen.map(([, top]) => top)) - 14);
  const covers = (other) => x < other.x + other.width && other.x < x + width && Math.abs(y - other.y) < NAME_SIZE + 2;
  for (let other = taken.find(covers); other !== undefined && y > 0; other = taken.find(covers)) {
    y = other.y - NAME_SIZE - 2;
  }
  taken.push({ x, y, width });
  pen.lineWidth = 4;
  pen.strokeStyle = styles.getPropertyValue("--canvas");
  pen.strokeText(text, x, y);
  pen.fillStyle = styles.getPropertyValue("--ink");
  pen.fillText(text, x, y);
}
