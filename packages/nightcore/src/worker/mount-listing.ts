import { type Bytes, type Digest, digestOf, parseDigest, parseUtf8, type Sha256, utf8 } from "#core";
import type { BlobStore, EngineJob, Mount, MountedFile } from "#ports";
import type { IntentEvent } from "#state";
import type { ListedArguments } from "./argument-listing.ts";

const LISTED_BYTES_MAX = 4 * 1024; // LIMIT: of all listings in one intent, which shares an entry with 8 KiB of arguments
const LISTING_BYTES_MAX = 128 * 1024 * 1024; // LIMIT: 10,000 paths of 4 KiB, each byte escaped

type MountSaid = IntentEvent["mounts"][number];

/** A mount as the record has it: what the intent says, the listing that its digest is of, and each file by digest. */
export type ListedMount = {
  readonly said: MountSaid;
  readonly listing: Bytes;
  readonly files: readonly { readonly digest: Digest; readonly bytes: Bytes }[];
};

/**
 * Names each mounted tree by one digest: the SHA-256 of its listing, one line for each folder and file in order, with the
 * digest of a file's bytes (docs/formats/events.md). Short listings stand in the intent; longer ones are blobs.
 */
export function listMounts(mounts: readonly Mount[], sha256: Sha256): readonly ListedMount[] {
  let leftBytes = LISTED_BYTES_MAX;
  return mounts.map((mount) => {
    const files = mount.files.map(({ bytes }) => ({ digest: digestOf(sha256, bytes), bytes }));
    const lines = [
      ...mount.folders.map((path) => `folder ${JSON.stringify(path)}`),
      ...mount.files.map(({ path }, n) => `file ${JSON.stringify(path)} ${files[n]?.digest}`),
    ];
    const listing = utf8(lines.map((line) => `${line}\n`).join(""));
    const inline = listing.length <= leftBytes;
    if (inline) leftBytes -= listing.length;
    const said = {
      guestPath: mount.guestPath,
      digest: digestOf(sha256, listing),
      files: files.length,
      bytes: files.reduce((sum, { bytes }) => sum + bytes.length, 0),
      listing: inline ? lines : null,
    };
    return { said, listing, files };
  });
}

/** Keeps the bytes that a run starts from, each under its digest. What has no bytes is not kept. */
export function keepInputs(
  blobs: BlobStore,
  job: EngineJob,
  inputs: { readonly stdin: Digest; readonly mounts: readonly ListedMount[]; readonly called: ListedArguments },
): void {
  const keep = (digest: Digest, bytes: Bytes) => {
    if (bytes.length > 0) blobs.put(digest, bytes);
  };
  keep(job.digest, job.bytes);
  keep(inputs.stdin, job.stdin);
  const { listing: called } = inputs.called;
  if (called !== undefined) keep(called.digest, called.bytes);
  for (const { said, listing, files } of inputs.mounts) {
    if (said.listing === null) keep(said.digest, listing);
    for (const { digest, bytes } of files) keep(digest, bytes);
  }
}

/** Finds bytes by their digest; undefined when they are not there, or are not those. */
export type FindBytes = (digest: Digest, what: string) => Bytes | undefined;

/**
 * The tree that an intent names, from its listing and the blobs. Undefined when `find` has not found something, or when a
 * listing is not what its digest says: bytes of another digest are never mounted.
 */
export function rebuildMount(said: MountSaid, find: FindBytes, sha256: Sha256): Mount | undefined {
  const where = `the listing of ${JSON.stringify(said.guestPath)}`;
  const inline = Array.isArray(said.listing) ? utf8(said.listing.map((line) => `${line}\n`).join("")) : undefined;
  const listing =
    inline ?? (said.files === 0 && isEmptyDigest(said.digest, sha256) ? new Uint8Array() : find(said.digest, where));
  if (listing === undefined || listing.length > LISTING_BYTES_MAX || digestOf(sha256, listing) !== said.digest) return undefined;
  const text = parseUtf8(listing);
  if (!text.ok) return undefined;
  const folders: string[] = [];
  const files: MountedFile[] = [];
  for (const line of text.value.split("\n").slice(0, -1)) {
    const entry = parseLine(line);
    if (entry === undefined) return undefined;
    if (entry.digest === undefined) {
      folders.push(entry.path);
      continue;
    }
    const empty = isEmptyDigest(entry.digest, sha256);
    const bytes = empty ? new Uint8Array() : find(entry.digest, `the file ${JSON.stringify(entry.path)} under ${said.guestPath}`);
    if (bytes === undefined) return undefined;
    files.push({ path: entry.path, bytes });
  }
  return { guestPath: said.guestPath, files, folders };
}

/** Digests of the files in a mount's listing; none when the listing is a blob that is gone. */
export function listedDigests(said: MountSaid, find: (digest: Digest) => Bytes | undefined): readonly Digest[] {
  const bytes = Array.isArray(said.listing) ? undefined : find(said.digest);
  const text = bytes === undefined ? undefined : parseUtf8(bytes);
  const lines = said.listing ?? (text?.ok === true ? text.value.split("\n") : []);
  return lines.flatMap((line) => parseLine(line)?.digest ?? []);
}

/** Whether a digest is that of no bytes, which are not kept. */
export function isEmptyDigest(digest: Digest, sha256: Sha256): boolean {
  return digest === digestOf(sha256, new Uint8Array());
}

function parseLine(line: string): { readonly path: string; readonly digest: Digest | undefined } | undefined {
  const match = /^(?:folder (".*")|file (".*") ([0-9a-f]{64}))$/s.exec(line);
  const quoted = match?.[1] ?? match?.[2];
  if (quoted === undefined) return undefined;
  try {
    const path: unknown = JSON.parse(quoted);
    return typeof path === "string" ? { path, digest: match?.[3] === undefined ? undefined : parseDigest(match[3]) } : undefined;
  } catch {
    return undefined;
  }
}
