// Views: the visits of the last days, and why one was decided as it was.

import { request } from "./api.js";
import { byId, decimal, describe, duration, make, percent, sync, table, timeOf } from "./dom.js";
import { leaverOf } from "./event_lines.js";
import { ask, press, tell } from "./forms.js";
import { reasonOf } from "./reasons.js";
import { Repeater } from "./repeater.js";

const NOT_ENROLLED = "";
const OUTCOMES = { person: "identified", unknown: "no enrolled person", undecided: "too little walking to decide" };

const REFRESH_MS = 3000; // a visit that has ended is in the history a little later

const repeater = new Repeater(refresh, REFRESH_MS);

export const visits = {
  title: "Visits",
  enter() {
    repeater.start();
    return refresh();
  },
  leave() {
    repeater.stop();
  },
  visitsChanged: refresh,
};

export const visit = {
  title: "Visit",
  enter: showVisit,
  leave() {},
};

byId("visits-filter").addEventListener("change", press(refresh));

async function refresh() {
  const form = new FormData(byId("visits-filter"));
  const query = new URLSearchParams({ since: sinceOf(form.get("since")) });
  if (form.get("unknown") === "on") query.set("unknown", "true");
  const found = await request("GET", `/visits?${query}`);
  const list = byId("visits-list");
  sync(list, found.length ? found : [null], (each) => each?.visit ?? "none", makeRow);
}

/** Returns how long ago the time to look at began, as the server takes it. */
function sinceOf(choice) {
  if (choice !== "today") return choice;
  return `${Math.ceil((Date.now() - new Date().setHours(0, 0, 0, 0)) / 60000)}min`;
}

function makeRow(each) {
  if (each === null) return make("li", { class: "hint" }, "No visits.");
  return make("li", {},
    make("a", { href: `#visits/${encodeURIComponent(each.visit)}`, class: `visit ${each.outcome}` },
      make("span", { class: "when" }, timeOf(each.arrived)),
      make("span", { class: "who" }, leaverOf(each)),
      make("span", { class: "where" }, each.source),
      make("span", { class: "how" }, `${duration(stayOf(each))}${sureOf(each)}${truthOf(each)}`)));
}

function stayOf(each) {
  return (new Date(each.left) - new Date(each.arrived)) / 1000;
}

function sureOf(each) {
  return each.confidence === null ? "" : `, ${each.confidence} % sure`;
}

function truthOf(each) {
  if (each.truth === "confirmed") return ", confirmed";
  if (each.truth === "denied") return each.was ? `, wrong: it was ${each.was}` : ", wrong";
  return "";
}

async function showVisit(id) {
  const each = await request("GET", `/visits/${encodeURIComponent(id)}`);
  byId("visit-title").textContent = `${leaverOf(each)}, ${each.source}`;
  byId("visit-detail").replaceChildren(
    make("p", { class: "reason" }, reasonOf(each.reason_code)),
    judgement(each),
    describe([
      ["Arrived", timeOf(each.arrived)],
      ["Left", timeOf(each.left)],
      ["Outcome", OUTCOMES[each.outcome] + sureOf(each)],
      ["Walking seen", `${each.walking_s.toFixed(1)} s usable, quality ${percent(each.quality)}`],
      ["Seen from", each.views.join(", ") || "not known"],
      ["Sensor", each.sensor],
      ["Share of strangers that may be named", each.fpir === null ? "all" : percent(each.fpir)],
      ["Changes of the answer", String(each.changes)],
      ["Recorded truth", truthOf(each).replace(/^, /, "") || "nothing yet"],
      ["Cut off", each.interrupted ? "yes: a process was restarted" : ""],
    ]),
    make("h2", {}, "Candidates"),
    each.candidates.length ? scores(each) : make("p", { class: "hint" }, "Nobody was compared."));
}

/** Makes the table of scores against thresholds. */
function scores(each) {
  const rows = each.candidates.map((candidate) => [
    candidate.name, decimal(candidate.score), decimal(candidate.threshold), verdictOf(candidate), meterOf(candidate),
  ]);
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores" },
    table("Scores against thresholds", ["Person", "Score", "Threshold", "Accepted", "Score to threshold"], rows));
}

function verdictOf(candidate) {
  if (candidate.threshold === null) return "no threshold";
  const over = candidate.score - candidate.threshold;
  return over >= 0 ? `yes, by ${over.toFixed(2)}` : `no, ${(-over).toFixed(2)} too low`;
}

function meterOf(candidate) {
  if (candidate.threshold === null || candidate.threshold <= 0) return "–";
  const share = Math.max(0, Math.min(2, candidate.score / candidate.threshold));
  return make("meter", { min: 0, max: 2, low: 1, optimum: 2, value: share, "aria-label": `Score of ${candidate.name} relative to the threshold` });
}

function judgement(each) {
  const path = `/visits/${encodeURIComponent(each.visit)}`;
  const right = { person: `Right: it was ${each.person}`, unknown: "Right: a stranger" }[each.outcome];
  const buttons = [make("button", { onclick: press(() => deny(each, path)) }, "Wrong…")];
  if (right) {
    const confirm = press(async () => {
      const { message } = await request("POST", `${path}/confirm`);
      tell(message);
      await showVisit(each.visit);
      byId("visit-title").focus();
    });
    buttons.unshift(make("button", { class: "primary", onclick: confirm }, right));
  }
  return each.outcome === "undecided" ? null : make("div", { class: "buttons" }, ...buttons);
}

async function deny(each, path) {
  const people = await request("GET", "/people");
  const others = people.map((person) => person.name).filter((name) => name !== each.person);
  const options = others.map((name) => make("option", { value: name }, name));
  const id = "deny-was";
  ask({
    title: "Who was it?",
    content: [
      make("label", { for: id }, "The visit was of"),
      make("select", { id, name: "was" }, make("option", { value: NOT_ENROLLED }, "somebody else, or not known"), ...options),
      make("p", { class: "hint" }, "The site's figures count it, and later comparisons use it as an example of a wrong match. What is kept of the walk is erased, unless you say whose it is."),
    ],
    action: "Record that it was wrong",
    async carryOut(form) {
      const was = form.get("was");
      const { message } = await request("POST", `${path}/deny`, { was: was === NOT_ENROLLED ? null : was });
      tell(message);
      await showVisit(each.visit);
    },
  });
}
