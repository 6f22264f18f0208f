// View: enrolment of somebody who walks before a source now.

import { request } from "./api.js";
import { byId, make, percent, showText, sync } from "./dom.js";
import { submit } from "./forms.js";
import { colourOf } from "./people_in_view.js";
import { Repeater } from "./repeater.js";
import { SkeletonFigures } from "./skeletons.js";

const REFRESH_MS = 700;

const figures = new SkeletonFigures(byId("enrol-skeletons"), (track) => chosen() === null || chosen() === track);
const repeater = new Repeater(refresh, REFRESH_MS);

export const enrol = {
  title: "Enrol by walking",
  skeletons: figures,
  enter() {
    figures.start();
    repeater.start();
    return refresh();
  },
  leave() {
    figures.stop();
    repeater.stop();
  },
};

byId("enrol-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const problem = byId("enrol-problem");
  const track = chosen();
  if (track === null) return showText(problem, "Choose who walks: nobody is chosen.");
  const given = new FormData(form);
  await submit(form, problem, async () => {
    byId("enrol-result").replaceChildren();
    const answer = await request("POST", "/people", {
      name: given.get("name"),
      tracks: [track],
      consent: "asked",
      consent_note: given.get("consent_note"),
      add: given.get("add") === "on",
      force: given.get("force") === "on",
    });
    form.reset();
    showResult(answer);
  });
});

async function refresh() {
  const tracks = await request("GET", "/tracks");
  byId("enrol-nobody").hidden = tracks.length > 0;
  sync(byId("enrol-tracks"), tracks, (track) => track.track, makeChoice, updateChoice);
}

function chosen() {
  const box = document.querySelector("#enrol-tracks input:checked");
  return box === null ? null : Number(box.value);
}

function makeChoice(track) {
  const choice = make("li", {},
    make("label", {},
      make("input", { type: "radio", name: "track", value: track.track }),
      make("span", { class: `swatch track-${colourOf(track.track)}`, "aria-hidden": "true" }),
      make("span", { class: "who" })),
    make("progress", { "aria-label": `Usable walking of track ${track.track}` }),
    make("p", { class: "seen" }),
    make("p", { class: "missing" }));
  updateChoice(choice, track);
  return choice;
}

function updateChoice(choice, track) {
  const who = track.person ?? (track.state === "unknown" ? "unknown" : "not identified yet");
  const view = track.in_view ? "" : ", out of view";
  const enough = track.seconds >= track.needed_s;
  choice.querySelector(".who").textContent = `Track ${track.track}, ${track.source}: ${who}${view}`;
  const bar = choice.querySelector("progress");
  bar.max = track.needed_s;
  bar.value = Math.min(track.seconds, track.needed_s);
  choice.querySelector(".seen").textContent =
    `${track.seconds.toFixed(1)} of ${track.needed_s.toFixed(1)} s of usable walking, quality ${percent(track.quality)}` +
    (enough ? ": enough to enrol; more is better" : "");
  showText(choice.querySelector(".missing"), missingOf(track, enough));
}

function missingOf(track, enough) {
  if (track.no_windows) return `Does not count now: ${track.no_windows}`;
  if (enough) return "";
  return `Missing: ${(track.needed_s - track.seconds).toFixed(1)} s of walking`;
}

function showResult(answer) {
  const found = [...answer.warnings, ...answer.fits, ...answer.views];
  if (answer.quality_cause) found.unshift(answer.quality_cause);
  byId("enrol-result").replaceChildren(make("div", { class: "notice" },
    make("h2", {}, `${answer.name} is enrolled`),
    make("p", {}, `${answer.seconds.toFixed(1)} s of walking, quality ${percent(answer.quality)}`),
    found.length ? make("ul", {}, ...found.map((text) => make("li", {}, text))) : null));
}
