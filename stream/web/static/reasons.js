// What the codes of reasons mean, for people; stream.decision.ReasonCode has them all.

const REASONS = {
  accepted: "The score reaches the person's threshold.",
  "strangers-not-rejected": "The best candidate is always named: strangers are not rejected.",
  stranger: "No enrolled person fits: every score is below its threshold.",
  "denied-visit": "The score does not exceed that of a visit which was denied to be this person.",
  ambiguous: "Two enrolled people fit almost equally well.",
  uncalibrated: "No threshold is known for this kind of sensor.",
  "nobody-enrolled": "Nobody is enrolled.",
  "gallery-gone": "The gallery could not be read.",
  "other-sensor": "Nobody is enrolled on this kind of sensor.",
  "other-encoder": "Nobody is enrolled with the encoder in use.",
  "not-compared": "The walk was not compared.",
  "too-little-walking": "Too little walking was seen.",
  overloaded: "The system was overloaded and dropped the walk.",
  standing: "The person stood still.",
  sitting: "The person sat.",
  hidden: "The person was partly hidden.",
  "too-far": "The person was too far away.",
  unsteady: "The skeleton was unsteady.",
  "implausible-body": "The skeleton was that of no body.",
  "tracking-gap": "The track had gaps.",
  "gallery-changed": "The person was renamed in the gallery, or removed from it.",
  interrupted: "A process of the system was restarted during the visit.",
  "few-frames": "The source gave too few frames a second.",
};

/** Returns a sentence for a code. */
export function reasonOf(code) {
  return REASONS[code] ?? code;
}
