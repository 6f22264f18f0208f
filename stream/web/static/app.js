// The page: signs in, follows the events of the server, and shows one view at a time.

import { request, Stream } from "./api.js";
import { byId, showText } from "./dom.js";
import { enrol } from "./enrol.js";
import { submit } from "./forms.js";
import { health } from "./health.js";
import { logEvent, now } from "./now.js";
import { people } from "./people.js";
import { setPresence } from "./people_in_view.js";
import { unknowns } from "./unknowns.js";
import { visit, visits } from "./visits.js";

const VIEWS = { now, visits, visit, unknowns, enrol, people, health };
const VISIT_EVENTS = ["arrived", "identified", "doubted", "left"];
const EVENTS = [...VISIT_EVENTS, "notice", "people", "dropped"];
const SIGNED_IN = "signed-in"; // in the browser's storage: scripts cannot see the cookie
const PRESENCE_EVERY_MS = 300;
const SOURCES_EVERY_MS = 500;

let signedIn = false;
let shown = null;
let events = null;
let skeletons = null;
let asked = 0;
let sourcesAsked = 0;

start();

async function start() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname);
  byId("sign-in-form").addEventListener("submit", signInByForm);
  byId("skip").addEventListener("click", skip);
  document.addEventListener("signed-out", askToken);
  document.addEventListener("told", (event) => showText(byId("problem"), event.detail));
  document.addEventListener("visibilitychange", follow);
  byId("sign-out").addEventListener("click", signOut);
  addEventListener("hashchange", showView);
  if (token !== null) {
    try {
      await signIn(token);
    } catch (error) {
      askToken();
      showText(byId("sign-in-problem"), error.message);
    }
  } else if (localStorage.getItem(SIGNED_IN)) run();
  else askToken();
}

async function signIn(token) {
  await request("POST", "/login", { token });
  localStorage.setItem(SIGNED_IN, "yes");
  run();
}

async function signInByForm(event) {
  event.preventDefault();
  const form = event.target;
  const token = new FormData(form).get("token").trim();
  if (await submit(form, byId("sign-in-problem"), () => signIn(token))) form.reset();
}

/** Signs out; first the page stops to ask for anything. */
async function signOut() {
  askToken();
  await submit(byId("sign-in-form"), byId("sign-in-problem"), () => request("POST", "/logout"));
}

function askToken() {
  localStorage.removeItem(SIGNED_IN);
  signedIn = false;
  showOnly("sign-in");
  follow();
  byId("views").hidden = byId("sign-out").hidden = true;
  byId("connection").textContent = "";
  document.title = "Sign in - sge-stream";
  byId("token").focus();
}

function run() {
  signedIn = true;
  byId("views").hidden = byId("sign-out").hidden = false;
  showView();
}

/**
 * Opens the streams that are looked at, and closes the others: a browser keeps six connections to a server, for all
 * of its tabs together.
 */
function follow() {
  const seen = signedIn && !document.hidden;
  events = keepOpen(events, seen, () => new Stream("/events", EVENTS, takeEvent, showConnection));
  const drawn = seen && shown?.skeletons !== undefined;
  skeletons = keepOpen(skeletons, drawn, () => new Stream("/skeletons", ["skeletons"], takeFrame));
}

function keepOpen(stream, wanted, open) {
  if (wanted) return stream ?? open();
  stream?.close();
  return null;
}

/** Says whether the server answers; after an outage, everything is asked for anew. */
function showConnection(connected) {
  const element = byId("connection");
  element.textContent = connected ? "Connected" : "The server does not answer. Trying again…";
  element.classList.toggle("bad", !connected);
  if (connected) refreshAll();
}

function takeEvent(kind, event) {
  logEvent(kind, event);
  if (VISIT_EVENTS.includes(kind)) refreshPresence();
  if (kind === "left") attempt(() => shown?.visitsChanged?.());
  if (kind === "people") attempt(() => shown?.peopleChanged?.());
  if (kind === "dropped" || kind === "notice") refreshAll();
}

function refreshAll() {
  refreshPresence();
  refreshSources();
  attempt(() => shown?.visitsChanged?.());
  attempt(() => shown?.peopleChanged?.());
}

/** Asks who is present, soon, once for several events. */
function refreshPresence() {
  if (asked) return;
  asked = setTimeout(() => {
    asked = 0;
    if (signedIn) attempt(async () => {
      setPresence(await request("GET", "/presence"));
      shown?.presenceChanged?.();
    });
  }, PRESENCE_EVERY_MS);
}

function refreshSources() {
  sourcesAsked = performance.now();
  attempt(async () => {
    const names = (await request("GET", "/sources")).map((source) => source.name);
    for (const view of Object.values(VIEWS)) view.skeletons?.setSources(names);
  });
}

/** Shows the view that the address names; its heading gets the focus if the user chose it. */
function showView() {
  if (!signedIn) return;
  const [name, argument] = location.hash.slice(1).split("/", 2);
  const id = argument ? "visit" : name in VIEWS ? name : "now";
  const first = shown === null;
  shown?.leave();
  shown = VIEWS[id];
  showText(byId("problem"), "");
  showOnly(id);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name || "now"}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${shown.title} - sge-stream`;
  if (!first) byId(`${id}-title`).focus();
  follow();
  attempt(() => shown.enter(argument === undefined ? undefined : decodeURIComponent(argument)));
}

function showOnly(id) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== id;
  if (id === "sign-in") {
    shown?.leave();
    shown = null;
  }
}

/** Hands a frame to the view; the sources are others after the system was started anew. */
function takeFrame(_, frame) {
  const figures = shown?.skeletons;
  if (figures === undefined) return;
  if (figures.has(frame)) figures.put(frame);
  else if (performance.now() - sourcesAsked > SOURCES_EVERY_MS) refreshSources();
}

/** Does something; a problem is shown above the view. One with the server itself is shown already. */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    if (error.status === undefined) throw error;
    if (error.status !== 0 && error.status !== 401) showText(byId("problem"), error.message);
  }
}

function skip(event) {
  event.preventDefault();
  byId("main").focus();
}
