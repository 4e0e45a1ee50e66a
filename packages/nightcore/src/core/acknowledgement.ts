/** What is waited for before anybody hears of what was recorded, from the least to the most. */
export const ACKNOWLEDGEMENT_LEVELS = ["durable", "published", "witnessed"] as const;
/**
 * `durable`: flushed and signed. `published`: in the tiles, under a checkpoint that is flushed too. `witnessed`: a quorum of
 * witnesses has cosigned a checkpoint that covers it.
 */
export type AcknowledgementLevel = (typeof ACKNOWLEDGEMENT_LEVELS)[number];

/** What becomes of what did not reach its level in time: nobody is told (`fail_closed`), or they are, with that (`fail_open`). */
export const UNREACHED = ["fail_closed", "fail_open"] as const;
export type Unreached = (typeof UNREACHED)[number];

/** The level of that name, if there is one. */
export function parseAcknowledgementLevel(name: unknown): AcknowledgementLevel | undefined {
  return ACKNOWLEDGEMENT_LEVELS.find((level) => level === name);
}

/** Whether one level promises less than another. */
export function isBelow(level: AcknowledgementLevel, other: AcknowledgementLevel): boolean {
  return ACKNOWLEDGEMENT_LEVELS.indexOf(level) < ACKNOWLEDGEMENT_LEVELS.indexOf(other);
}
