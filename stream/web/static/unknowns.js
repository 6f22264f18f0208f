// View: strangers, who can be adopted if they are remembered.

import { request } from "./api.js";
import { byId, duration, make, sync, timeOf } from "./dom.js";
import { ask, checkBox, CONSENT, field, onRefusal, tell } from "./forms.js";
import { Repeater } from "./repeater.js";

const NOT_REMEMBERED =
  "Strangers are not remembered: nothing of their gait is kept, and they cannot be adopted. " +
  "Start with --remember-strangers 7d to remember them; that is biometric data without consent.";

const REFRESH_MS = 3000; // a visit that has ended is in the history a little later

const repeater = new Repeater(refresh, REFRESH_MS);

export const unknowns = {
  title: "Unknown people",
  enter() {
    repeater.start();
    return refresh();
  },
  leave() {
    repeater.stop();
  },
  visitsChanged: refresh,
};

async function refresh() {
  const found = await request("GET", "/visits?unknown=true");
  const groups = strangersOf(found.filter((each) => each.outcome === "unknown" && each.person === null));
  const remembered = groups.some((group) => group.visitor !== null);
  byId("unknowns-hint").textContent = remembered ? "" : NOT_REMEMBERED;
  sync(byId("unknowns-list"), groups, (group) => group.visitor ?? group.visits[0].visit, makeStranger);
}

/** Returns the visits of each stranger, newest first; one that is not remembered has one visit. */
function strangersOf(found) {
  const groups = new Map();
  for (const each of found) {
    const key = each.visitor ?? each.visit;
    if (!groups.has(key)) groups.set(key, { visitor: each.visitor, visits: [] });
    groups.get(key).visits.push(each);
  }
  return [...groups.values()];
}

function makeStranger({ visitor, visits }) {
  const newest = visits[0];
  const times = visits.length === 1 ? "1 visit" : `${visits.length} visits`;
  const stay = duration((new Date(newest.left) - new Date(newest.arrived)) / 1000);
  const adopt = visitor && visits.some((each) => each.kept)
    ? make("button", { class: "primary", onclick: () => ask(adoption(visitor)), "aria-label": `Adopt ${visitor}` }, "Adopt…")
    : null;
  return make("li", { class: "card unknown" },
    make("h2", {}, visitor ?? "Somebody unknown"),
    make("p", {}, `${times}, last `, timeOf(newest.arrived), ` before ${newest.source}, for ${stay}`),
    make("p", {}, make("a", { href: `#visits/${encodeURIComponent(newest.visit)}` }, "Why not recognised")),
    adopt);
}

function adoption(visitor) {
  return {
    title: `Adopt ${visitor}`,
    content: [
      make("p", {}, "The walks that are remembered become those of an enrolled person."),
      field("Name", { name: "name", required: true, maxlength: 200 }),
      checkBox(CONSENT, { name: "consent", required: true }),
      onRefusal("Enrol although the checks refused it"),
    ],
    action: "Adopt",
    async carryOut(form) {
      const number = visitor.replace(/\D+/g, "");
      const { person, warnings } = await request("POST", `/visitors/${number}/adopt`, {
        name: form.get("name"),
        consent: "asked",
        force: form.get("force") === "on",
      });
      tell([`${person.name} is enrolled.`, ...warnings].join(" "));
      await refresh();
    },
  };
}
