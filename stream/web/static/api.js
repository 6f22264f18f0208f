// Requests to the server, and streams of its events.

const ROOT = "/api/v1";
const LONGEST_WAIT_MS = 10000;

/** What the server, or the way to it, answered instead of what was asked for. */
export class RequestError extends Error {
  /**
   * @param {number} status of HTTP; 0 if the server did not answer
   * @param {string} message for people
   * @param {string} kind one word for programs; empty if there is none
   */
  constructor(status, message, kind = "") {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/** Sends a request and returns the decoded answer; null if it is empty. A body is sent as JSON. */
export async function request(method, path, body) {
  const sent = { method, credentials: "same-origin", cache: "no-store", headers: { Accept: "application/json" } };
  if (body !== undefined) {
    sent.headers["Content-Type"] = "application/json";
    sent.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(ROOT + path, sent);
  } catch {
    throw new RequestError(0, "The server does not answer.");
  }
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : null;
  if (answer.status === 401 && path !== "/login") document.dispatchEvent(new Event("signed-out"));
  const { message, error } = problemOf(text);
  throw new RequestError(answer.status, message ?? `The server refused: ${answer.status} ${answer.statusText}`, error);
}

/** Returns the decoded problem of a refusal; an empty object if it holds none. */
function problemOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** A stream of server-sent events that is opened again whenever it ends. */
export class Stream {
  #source = null;
  #timer = 0;
  #wait = 500;
  #stopped = false;

  /**
   * @param {string} path
   * @param {string[]} kinds of the events
   * @param {function} onEvent receives the kind and the decoded data of each
   * @param {function} onState receives true when the stream is open, false when it is not
   */
  constructor(path, kinds, onEvent, onState = () => {}) {
    this.path = path;
    this.kinds = kinds;
    this.onEvent = onEvent;
    this.onState = onState;
    this.#open();
  }

  close() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  #open() {
    const source = new EventSource(ROOT + this.path);
    this.#source = source;
    source.onopen = () => {
      this.#wait = 500;
      this.onState(true);
    };
    for (const kind of this.kinds) source.addEventListener(kind, (event) => this.onEvent(kind, JSON.parse(event.data)));
    source.onerror = () => {
      source.close();
      if (this.#stopped) return;
      this.onState(false);
      this.#timer = setTimeout(() => this.#probe(), this.#wait);
      this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS);
    };
  }

  /** Asks whether the server is there and still knows who asks; a stream does not tell why it ended. */
  async #probe() {
    try {
      await request("GET", "/presence");
    } catch (error) {
      if (error.status === 401) return;
    }
    if (!this.#stopped) this.#open();
  }
}
