// Elements and texts. Every text becomes a text node: markup in a name is shown, never interpreted.

/** Returns the element with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Makes an element.
 * @param {string} tag
 * @param {object} attributes values by name; null, undefined and false leave it out; `onclick` and the like listen
 * @param {...(Node|string|null)} children texts are shown literally; null is left out
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Makes a description list of [term, text or node] pairs; pairs without a value are left out. */
export function describe(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return make("dl", {}, ...known.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))));
}

/** Makes a table with a caption, column headings, and rows of texts or nodes; the first cell heads its row. */
export function table(caption, columns, rows) {
  const heads = columns.map((column) => make("th", { scope: "col" }, column));
  const body = rows.map(([first, ...rest]) =>
    make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((cell) => make("td", {}, cell))));
  return make("table", {}, make("caption", { class: "unseen" }, caption),
    make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
}

/** Shows a text in an element, or hides the element if there is none. */
export function showText(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

const items = new WeakMap();

/**
 * Makes the children of an element agree with a list; those whose item did not change stay, with the focus.
 * @param {Element} parent
 * @param {Array} list
 * @param {function} keyOf item to a key that is unique in the list
 * @param {function} create item to an element
 * @param {function} [update] (element, item): changes the element in place; without it, it is made anew
 */
export function sync(parent, list, keyOf, create, update) {
  const present = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = list.map((item) => {
    const key = String(keyOf(item));
    const before = present.get(key);
    const content = JSON.stringify(item);
    if (before !== undefined && (items.get(before) === content || update)) {
      if (update) update(before, item);
      items.set(before, content);
      return before;
    }
    const made = create(item);
    made.dataset.key = key;
    items.set(made, content);
    if (before !== undefined) replace(before, made);
    return made;
  });
  for (const child of [...parent.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
}

function replace(before, made) {
  const focusable = "a[href], button, input";
  const place = [...before.querySelectorAll(focusable)].indexOf(document.activeElement);
  before.replaceWith(made);
  if (place >= 0) made.querySelectorAll(focusable)[place]?.focus();
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Makes a time element of an ISO 8601 time: the time of day, with the day if it is not today. */
export function timeOf(iso) {
  const time = new Date(iso);
  const today = time.toDateString() === new Date().toDateString();
  return make("time", { datetime: iso }, today ? clock.format(time) : `${day.format(time)}, ${clock.format(time)}`);
}

/** Returns a duration in words, such as "3 min 5 s". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** Returns a number with some decimals; a dash if there is none. */
export function decimal(value, places = 2) {
  return value === null || value === undefined ? "–" : value.toFixed(places);
}

/** Returns a share as percent; a dash if there is none. */
export function percent(share) {
  return share === null || share === undefined ? "–" : `${Math.round(100 * share)} %`;
}
