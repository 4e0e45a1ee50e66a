import {
  type Bytes,
  checkOutputTree,
  type Crypto,
  type Digest,
  digestOf,
  OUTPUT_BYTES_MAX,
  OUTPUT_ENTRIES_MAX,
  type OutputEntry,
  parseDigest,
  parseUtf8,
  type Sha256,
  utf8,
} from "#core";
import type { BlobStore } from "#ports";
import type { OutputSaid } from "#state";

const MANIFEST_BYTES_MAX = 16 * 1024 * 1024; // LIMIT: 1 MiB of paths with each byte escaped, and 10,000 digests

/** An entry of a manifest; a folder has no digest. */
export type ListedOutput = {
  readonly path: string;
  readonly file: { readonly digest: Digest; readonly bytes: number } | undefined;
};

/** The one encoding of an output tree (docs/formats/output.md). */
export function encodeOutputManifest(entries: readonly ListedOutput[]): Bytes {
  const lineOf = ({ path, file }: ListedOutput): string =>
    file === undefined ? `folder ${JSON.stringify(path)}\n` : `file ${JSON.stringify(path)} ${file.digest} ${file.bytes}\n`;
  return utf8(entries.map(lineOf).join(""));
}

/** The entries of a manifest, or undefined for any bytes that {@link encodeOutputManifest} does not make of a tree. */
export function parseOutputManifest(bytes: Bytes): readonly ListedOutput[] | undefined {
  const text = bytes.length > MANIFEST_BYTES_MAX ? undefined : parseUtf8(bytes);
  if (text?.ok !== true) return undefined;
  const lines = text.value.split("\n").slice(0, -1);
  if (lines.length > OUTPUT_ENTRIES_MAX) return undefined;
  const entries = lines.map(parseLine).filter((entry) => entry !== undefined);
  const total = entries.reduce((sum, { file }) => sum + (file?.bytes ?? 0), 0);
  if (entries.length !== lines.length || total > OUTPUT_BYTES_MAX) return undefined;
  if (checkOutputTree(entries.map(({ path, file }) => ({ path, folder: file === undefined }))) !== undefined) return undefined;
  const same = encodeOutputManifest(entries);
  return same.length === bytes.length && same.every((byte, i) => byte === bytes[i]) ? entries : undefined;
}

function parseLine(line: string): ListedOutput | undefined {
  const match = /^(?:folder (".*")|file (".*") ([0-9a-f]{64}) ([0-9]{1,9}))$/s.exec(line);
  try {
    const path: unknown = JSON.parse(match?.[1] ?? match?.[2] ?? "0");
    const digest = match?.[3] === undefined ? undefined : parseDigest(match[3]);
    if (typeof path !== "string") return undefined;
    return { path, file: digest === undefined ? undefined : { digest, bytes: Number(match?.[4]) } };
  } catch {
    return undefined;
  }
}

/** An output by digest: what the outcome says of it, and each blob that it is made of. */
export type ListedTree = { readonly said: OutputSaid; readonly blobs: readonly (readonly [Digest, Bytes])[] };

/** Names an output by the digest of its manifest; undefined when the run left nothing. */
export function listOutput(output: readonly OutputEntry[] | undefined, sha256: Sha256): ListedTree | undefined {
  if (output === undefined || output.length === 0) return undefined;
  const blobs: [Digest, Bytes][] = [];
  const entries = output.map(({ path, bytes }) => {
    if (bytes === undefined) return { path, file: undefined };
    const digest = digestOf(sha256, bytes);
    if (bytes.length > 0) blobs.push([digest, bytes]);
    return { path, file: { digest, bytes: bytes.length } };
  });
  const manifest = encodeOutputManifest(entries);
  const digest = digestOf(sha256, manifest);
  blobs.push([digest, manifest]);
  const files = entries.filter(({ file }) => file !== undefined).length;
  const bytes = output.reduce((sum, one) => sum + (one.bytes?.length ?? 0), 0);
  return { said: { digest, files, bytes }, blobs };
}

/** Keeps every blob of an output, and says what the outcome names. */
export function keepOutput(
  blobs: BlobStore,
  { sha256 }: Crypto,
  output: readonly OutputEntry[] | undefined,
): OutputSaid | undefined {
  const listed = listOutput(output, sha256);
  for (const [digest, bytes] of listed?.blobs ?? []) blobs.put(digest, bytes);
  return listed?.said;
}
