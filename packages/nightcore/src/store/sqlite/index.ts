/**
 * Keeps the rows of `#state` in SQLite.
 *
 * It decides nothing and is never an authority: every row is derived from the log, and the file can be deleted at any
 * time. It must never keep a row that a fold did not put there.
 */
export { Projection } from "./projection.ts";
