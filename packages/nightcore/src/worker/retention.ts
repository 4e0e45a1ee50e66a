import { type Digest, parseTime } from "#core";
import type { BlobStore } from "#ports";
import { type DeletionEvent, type Event, type IntentEvent, isBlocked, type OutcomeEvent, type Rows } from "#state";
import { listedDigests } from "./mount-listing.ts";
import { parseOutputManifest } from "./output-tree.ts";

const DAY_MS = 86_400_000;
const BLOBS_PER_ENTRY = 500; // LIMIT: 67 bytes each in base64, so that an entry stays under its 65,535 bytes

/** How long blobs are kept, in days from the end of the last run that names them. 0: for ever. */
export type RetentionPolicy = { readonly inputsDays: number; readonly outputsDays: number };

/** What retention asks of the world. Blobs are only read, for the listings of mounts. */
export type RetentionPowers = {
  readonly blobs: Pick<BlobStore, "get">;
  readonly rows: Pick<Rows, "get">;
  readonly nowMs: number;
};

/**
 * Digests that no run younger than the policy names any more, sorted. Bytes in quarantine are evidence and stay, and so does what
 * was submitted or approved. A run whose end nobody recorded is as old as its intent. What no entry of the log names is not looked at.
 */
export function findExpired(events: Iterable<Event>, policy: RetentionPolicy, powers: RetentionPowers): readonly Digest[] {
  const named = new Map<Digest, boolean>();
  const note = (digests: readonly Digest[], expired: boolean) => {
    for (const digest of digests) named.set(digest, expired && named.get(digest) !== false);
  };
  for (const event of events) {
    if (event.kind === "intent") note(inputsOf(event, powers.blobs), isExpired(event.at, policy.inputsDays, powers.nowMs));
    if (event.kind === "outcome") note(streamOf(event), isExpired(event.at, policy.inputsDays, powers.nowMs));
    if (event.kind === "outcome") note(outputsOf(event, powers.blobs), isExpired(event.at, policy.outputsDays, powers.nowMs));
    // What people looked at stays: the next of them sees the difference to it.
    if (event.kind === "submission" || event.kind === "approval")
      note(
        [event.digest, event.manifest].filter((digest) => digest !== null),
        false,
      );
  }
  return [...named]
    .filter(([digest, expired]) => expired && !isBlocked(powers.rows, digest))
    .map(([digest]) => digest)
    .toSorted();
}

/** The entries that say what is about to be deleted: durable before the first blob goes. */
export function deletionEvents(
  blobs: readonly Digest[],
  { policy, at }: { readonly policy: RetentionPolicy; readonly at: string },
): readonly (Event & DeletionEvent)[] {
  const parts = Math.ceil(blobs.length / BLOBS_PER_ENTRY);
  return Array.from({ length: parts }, (_, part) => ({
    kind: "deletion",
    at,
    policy: { inputsDays: policy.inputsDays, outputsDays: policy.outputsDays },
    blobs: blobs.slice(part * BLOBS_PER_ENTRY, (part + 1) * BLOBS_PER_ENTRY),
  }));
}

function isExpired(at: string, days: number, nowMs: number): boolean {
  const endedMs = parseTime(at);
  return days > 0 && endedMs !== undefined && nowMs - endedMs > days * DAY_MS;
}

function inputsOf({ digest, stdin, mounts, arguments: called }: IntentEvent, blobs: RetentionPowers["blobs"]): readonly Digest[] {
  const listed = mounts.flatMap((mount) => [mount.digest, ...listedDigests(mount, (wanted) => blobs.get(wanted))]);
  return [digest, stdin.digest, ...(called === undefined ? [] : [called.digest]), ...listed];
}

/** What a run was given while it ran is an input, and stands in its outcome. */
function streamOf({ stdin }: OutcomeEvent): readonly Digest[] {
  return stdin === undefined ? [] : [stdin.digest, stdin.pieces];
}

function outputsOf(
  { stdout, stderr, outputTree, hostCallTrace }: OutcomeEvent,
  blobs: RetentionPowers["blobs"],
): readonly Digest[] {
  const manifest = outputTree === undefined ? undefined : blobs.get(outputTree.digest);
  const files = manifest === undefined ? [] : (parseOutputManifest(manifest) ?? []);
  return [
    ...[stdout, stderr, outputTree, hostCallTrace].flatMap((output) => output?.digest ?? []),
    ...files.flatMap(({ file }) => file?.digest ?? []),
  ];
}
