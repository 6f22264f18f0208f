// One line for each event of a visit and each notice.

/** Returns the text of an event, or null if it is none for people. */
export function eventLine(kind, event) {
  const makeLine = LINES[kind];
  return makeLine === undefined ? null : makeLine(event);
}

const LINES = {
  arrived: (event) => `Somebody arrived: ${event.source}`,
  identified: identifiedLine,
  doubted: (event) => `${event.person} is said to be at ${event.source} and at ${event.other_source} at once: one is wrong`,
  left: (event) => `${leaverOf(event)} left: ${event.source}`,
  notice: (event) => event.text,
};

function identifiedLine(event) {
  const sure = event.confidence === null ? "" : `, ${event.confidence} % sure`;
  if (event.person === null) return `No longer identified as ${event.previous}: ${event.source}`;
  const instead = event.previous === null ? "" : ` instead of ${event.previous}`;
  return `${event.person} identified${instead}: ${event.source}${sure}`;
}

/** Returns who a visit was, for people. */
export function leaverOf(visit) {
  if (visit.person !== null) return visit.person;
  if (visit.visitor) return visit.visitor;
  return visit.outcome === "unknown" ? "Somebody unknown" : "Not decided";
}
