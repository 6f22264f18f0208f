// The pictures of all sources, where the run shows them; signs in by the token of the printed address.

import { request } from "./api.js";

const EMBEDDED = 5; // a browser opens at most six connections to a server

start();

async function start() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname);
  try {
    if (token !== null) await request("POST", "/login", { token });
    const sources = await request("GET", "/sources");
    document.getElementById("pictures").replaceChildren(...sources.map((source, index) => figure(source.name, index + 1)));
  } catch (error) {
    document.getElementById("told").textContent =
      error.status === 401 ? "Open the whole address that the program printed." : error.message;
  }
}

/** Makes the figure of a source; those that the browser has no connection for are linked. */
function figure(name, number) {
  const element = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const link = document.createElement("a");
  link.href = `/api/v1/pictures/${number}`;
  link.textContent = name;
  caption.append(link);
  if (number <= EMBEDDED) {
    const image = document.createElement("img");
    image.src = link.href;
    image.alt = name;
    element.append(image);
  }
  element.append(caption);
  return element;
}
