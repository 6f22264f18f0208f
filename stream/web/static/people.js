// View: the enrolled people, with what each is enrolled from.

import { request } from "./api.js";
import { byId, make, percent, sync, table, timeOf } from "./dom.js";
import { ask, field, tell } from "./forms.js";

const VIEWS = ["towards", "away", "side"];

export const people = {
  title: "Enrolled people",
  enter: refresh,
  leave() {},
  peopleChanged: refresh,
};

async function refresh() {
  const found = await request("GET", "/people");
  byId("people-nobody").hidden = found.length > 0;
  sync(byId("people-list"), found, (person) => person.name, makePerson);
}

function makePerson(person) {
  const missing = person.missing.length ? make("p", { class: "missing" }, `Missing: ${person.missing.join("; ")}`) : null;
  return make("li", { class: "card person" },
    make("h2", {}, person.name),
    make("p", {}, `${person.seconds.toFixed(1)} s of walking in ${walks(person.walks.length)}, enrolled `, timeOf(person.enrolled_at)),
    coverage(person), missing,
    make("p", { class: "hint" }, consentOf(person)),
    make("div", { class: "buttons" },
      make("button", { onclick: () => rename(person), "aria-label": `Rename ${person.name}` }, "Rename"),
      make("button", { onclick: () => remove(person), "aria-label": `Remove ${person.name}` }, "Remove")));
}

function walks(count) {
  return count === 1 ? "1 walk" : `${count} walks`;
}

function consentOf(person) {
  const whose = person.consent_by === "asked" ? "Asked, and agreed" : "Consent stated by the operator";
  return person.consent_note ? `${whose}: ${person.consent_note}` : whose;
}

/** Makes a table: for each kind of sensor the seconds from each side. A walk seen from several sides counts for each. */
function coverage(person) {
  const sensors = [...new Set(person.walks.map(sensorOf))];
  const rows = sensors.map((sensor) => {
    const own = person.walks.filter((walk) => sensorOf(walk) === sensor);
    const cells = VIEWS.map((view) => seconds(own.filter((walk) => walk.views.includes(view))));
    const best = Math.max(...own.map((walk) => walk.quality));
    return [sensor, ...cells, percent(best)];
  });
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Coverage of ${person.name}` },
    table(`What ${person.name} is enrolled from`, ["Sensor", ...VIEWS, "Best quality"], rows));
}

function sensorOf(walk) {
  return walk.pose_model ? `${walk.sensor}, ${walk.pose_model}` : walk.sensor;
}

function seconds(list) {
  return list.length ? `${list.reduce((sum, walk) => sum + walk.seconds, 0).toFixed(1)} s` : "none";
}

function rename(person) {
  ask({
    title: `Rename ${person.name}`,
    content: [field("New name", { name: "name", required: true, value: person.name, maxlength: 200 })],
    action: "Rename",
    async carryOut(form) {
      const { message } = await request("PATCH", `/people/${encodeURIComponent(person.name)}`, { name: form.get("name") });
      tell(message); // what of the former name is still there
      await refresh();
    },
  });
}

function remove(person) {
  ask({
    title: `Remove ${person.name}?`,
    content: [make("p", {}, "All that is stored of this person's gait is erased. This cannot be undone.")],
    action: "Remove",
    grave: true,
    async carryOut() {
      const { message } = await request("DELETE", `/people/${encodeURIComponent(person.name)}`);
      tell(message); // what is still there
      await refresh();
    },
  });
}
