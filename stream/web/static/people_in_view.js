// Who is present, as the server said last; which name and which colour a track has.

const COLOURS = 8;

let present = [];
const colours = new Map();

/** Takes the answer of /presence. */
export function setPresence(list) {
  present = list;
}

/** Returns who is present. */
export function presence() {
  return present;
}

/** Returns the name of a track for people: the person's, else its number. */
export function nameOf(track) {
  const found = present.find((each) => each.visits.some((visit) => visit.tracks.includes(track)));
  return found?.person ?? `track ${track}`;
}

/** Returns the number of the colour of a track, 0 to 7; it stays while the page is open. */
export function colourOf(track) {
  if (!colours.has(track)) colours.set(track, colours.size % COLOURS);
  return colours.get(track);
}
