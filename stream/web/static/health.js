// View: how the system does.

import { request } from "./api.js";
import { byId, make, percent, table, timeOf } from "./dom.js";
import { plot } from "./plots.js";
import { Repeater } from "./repeater.js";

const REFRESH_MS = 2000;
const repeater = new Repeater(refresh, REFRESH_MS);

export const health = {
  title: "Health",
  enter() {
    repeater.start();
    return refreshAll();
  },
  peopleChanged: refreshAll,
  leave() {
    repeater.stop();
  },
};

async function refresh() {
  const [state, sources] = await Promise.all([request("GET", "/health"), request("GET", "/sources")]);
  showSummary(state);
  byId("health-sources").replaceChildren(table("Sources",
    ["Source", "State", "In view", "Frames", "Windows", "Dropped", "Restarts"], sources.map(sourceRow)));
  byId("health-processes").replaceChildren(table("Processes",
    ["Process", "State", "Dropped", "Restarts"], state.processes.map(processRow)));
  byId("health-plots").replaceChildren(...plotsOf(state.history));
  return state;
}

async function refreshAll() {
  const state = await refresh();
  if (state.phase !== "running") return;
  const sensors = await request("GET", "/calibration");
  byId("health-calibration").replaceChildren(table("Calibration",
    ["Sensor", "People enrolled", "Thresholds", "Rest on", "Strangers that may be named", "95 % interval here"],
    sensors.map(calibrationRow)));
}

function calibrationRow(each) {
  const state = !each.calibrated ? "none" : each.provisional ? "provisional" : "calibrated";
  const interval = each.low === null ? "–" : `${percent(each.low)} to ${percent(each.high)}`;
  return [each.sensor, String(each.people), stateOf(each.calibrated && !each.provisional, state), each.basis || "–",
    each.fpir === null ? "all" : percent(each.fpir), interval];
}

function showSummary(state) {
  const problems = [state.overload, state.gallery].filter(Boolean);
  byId("health-summary").replaceChildren(
    make("span", { class: state.ready && !problems.length ? "good" : "bad" }, state.ready ? "Running" : `Not ready: ${state.phase}`),
    " since ", timeOf(state.since), `, ${state.clients} open event streams`,
    ...problems.map((text) => make("span", { class: "problem" }, text)));
}

function sourceRow(source) {
  return [
    source.description && source.description !== source.name ? `${source.name} (${source.description})` : source.name,
    stateOf(source.state !== "down", source.problem ? `${source.state}: ${source.problem}` : source.state),
    String(source.in_view), String(source.frames), String(source.windows), dropsOf(source.dropped), String(source.restarts),
  ];
}

function processRow(process) {
  return [process.process, stateOf(!process.problem, process.problem || process.state),
    String(process.dropped), String(process.restarts)];
}

function stateOf(good, text) {
  return make("span", { class: good ? "good" : "bad" }, text);
}

function dropsOf(dropped) {
  const known = Object.entries(dropped).filter(([, count]) => count > 0);
  return known.map(([cause, count]) => `${cause}: ${count}`).join(", ") || "none";
}

function plotsOf(history) {
  const times = history.map((sample) => new Date(sample.time));
  const line = (name, field) => ({ name, values: history.map((sample) => sample[field]) });
  return [
    plot("Latency from frame to decision, ms", times, [line("median", "latency_p50_ms"), line("95 %", "latency_p95_ms")]),
    plot("Frames per second", times, [line("all sources", "frames_per_s")]),
    plot("People in view", times, [line("people", "in_view")]),
    plot("Dropped so far", times, [line("items", "dropped")]),
  ];
}
