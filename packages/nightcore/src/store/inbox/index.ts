/**
 * The agent inbox on disk: what lies in `pending`, archives unpacked within limits, and module folders that are filled from
 * what was taken in.
 *
 * It decides nothing about what it reads. It must never follow a link, write a name that an archive chose, unpack more than
 * its limits, or execute anything. Archives are ZIP (APPNOTE 6.3), read by `yauzl`.
 */
export { ARCHIVE_LIMITS, readArchive, SUBMITTED_NAMES } from "./archive.ts";
export { listPending, settlePending } from "./pending-folder.ts";
export { placeSubmission } from "./placement.ts";
