// View: who is here now.

import { byId, duration, make, sync, timeOf } from "./dom.js";
import { eventLine } from "./event_lines.js";
import { colourOf, nameOf, presence } from "./people_in_view.js";
import { SkeletonFigures } from "./skeletons.js";

const EVENTS_SHOWN = 12;
const REFRESH_MS = 1000;

const figures = new SkeletonFigures(byId("now-skeletons"));
let timer = 0;

export const now = {
  title: "Who is here now",
  skeletons: figures,
  enter() {
    figures.start();
    showPresence();
    timer = setInterval(showPresence, REFRESH_MS);
  },
  leave() {
    figures.stop();
    clearInterval(timer);
  },
  presenceChanged: showPresence,
};

/** Adds an event of a visit, or a notice, to the list of events. */
export function logEvent(kind, event) {
  const line = eventLine(kind, event);
  if (line === null) return;
  const list = byId("events");
  list.prepend(make("p", { class: kind }, timeOf(event.time), " ", line));
  while (list.children.length > EVENTS_SHOWN) list.lastChild.remove();
}

function showPresence() {
  const cards = presence().map((each) => ({ ...each, elapsed: elapsedOf(each) }));
  const list = byId("presence");
  sync(list, cards.length ? cards : [null], (each) => (each ? each.visits[0].visit : "nobody"), makeCard);
}

function elapsedOf(each) {
  return duration((Date.now() - new Date(each.since)) / 1000);
}

function makeCard(each) {
  if (each === null) return make("p", { class: "hint" }, "Nobody is here.");
  const tracks = each.visits.flatMap((visit) => visit.tracks.slice(-1));
  const swatches = tracks.map((track) => make("span", { class: `swatch track-${colourOf(track)}`, "aria-hidden": "true" }));
  const where = [...new Set(each.visits.map((visit) => visit.source))].join(", ");
  const sure = each.confidence === null ? "" : `, ${each.confidence} % sure`;
  const track = each.person === null ? `, ${nameOf(tracks[0])}` : "";
  return make("article", { class: each.person === null ? "card unknown" : "card known" },
    make("h2", {}, ...swatches, each.person ?? "Not identified"),
    make("p", {}, `${where}${track}${sure}`),
    make("p", {}, "since ", timeOf(each.since), ` (${each.elapsed})`));
}
