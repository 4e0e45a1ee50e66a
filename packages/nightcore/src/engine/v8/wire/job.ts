import { type Bytes, type Canary, CANARY_KINDS, CAPABILITIES, type Digest, INPUT_PIECE_BYTES_MAX } from "#core";
import type { EngineJob, Mount, MountedFile } from "#ports";
import { WireError, type WireReader } from "./reader.ts";
import { WireWriter } from "./writer.ts";

/**
 * A job as the sandbox sees it: without its tenant, of whom it learns only whether the job before was theirs too, and without the
 * bytes of a module that the sandbox has already.
 */
export type SandboxJob = Omit<EngineJob, "bytes" | "tenant" | "input"> & {
  readonly bytes: Bytes | undefined;
  readonly sameTenant: boolean;
  /** Whether what the guest prints is told in pieces, before its outcome. */
  readonly streamed: boolean;
  /** Whether more input than `stdin` comes when it is asked for. */
  readonly inputComes: boolean;
};

const JOB = 1;
const INPUT = 2;
const STRINGS_MAX = 65_536; // LIMIT: arguments, variables, mounts; more does not fit a guest's memory sensibly
const FILES_MAX = 1_000_000; // LIMIT: files under one mount
export const JOB_BYTES_MAX = 0x7fff_ffff; // LIMIT: what a frame's length can say and a buffer can hold
const SEED_BYTES = 32;
const CANARIES_MAX = 1_000; // LIMIT: a policy has 16 at the most
const CANARY_BYTES_MAX = 4_096; // LIMIT: a path or a value

/**
 * ```
 * u8 1 | flag same tenant | flag streamed | flag input comes | text digest | flag, bytes module | flag, text entry | texts numericArgs | texts argv | texts env | bytes stdin |
 * mounts (u32 count; text path, flag writable, texts folders, u32 count of files: text path, bytes) |
 * u8 capabilities by bit | four integers: wallMs memoryBytes fuel outputBytes | bytes seed |
 * u32 count of decoys: u8 kind, text name, text value
 * ```
 */
export function encodeJob(
  job: EngineJob,
  { withBytes, sameTenant, streamed }: { readonly withBytes: boolean } & Pick<SandboxJob, "sameTenant" | "streamed">,
): readonly Bytes[] {
  const writer = new WireWriter();
  writer.u8(JOB);
  writer.flag(sameTenant);
  writer.flag(streamed);
  writer.flag(job.input !== undefined);
  writer.text(job.digest);
  writer.flag(withBytes);
  if (withBytes) writer.bytes(job.bytes);
  writer.flag(job.entry !== undefined);
  if (job.entry !== undefined) writer.text(job.entry);
  writer.texts(job.numericArgs);
  writer.texts(job.argv);
  writer.texts(job.env);
  writer.bytes(job.stdin);
  writer.u32(job.mounts.length);
  for (const mount of job.mounts) {
    writer.text(mount.guestPath);
    writer.flag(mount.writable === true);
    writer.texts(mount.folders);
    writer.u32(mount.files.length);
    for (const file of mount.files) {
      writer.text(file.path);
      writer.bytes(file.bytes);
    }
  }
  writer.u8(job.capabilities.reduce((bits, one) => bits | (1 << CAPABILITIES.indexOf(one)), 0));
  for (const value of [job.budgets.wallMs, job.budgets.memoryBytes, job.budgets.fuel, job.budgets.outputBytes])
    writer.integer(value);
  writer.bytes(job.seed);
  writer.u32(job.canaries?.length ?? 0);
  for (const { kind, name, value } of job.canaries ?? []) {
    writer.u8(CANARY_KINDS.indexOf(kind));
    writer.text(name);
    writer.text(value);
  }
  return writer.frame();
}

/** Throws a WireError for anything that {@link encodeJob} does not write. */
export function decodeJob(reader: WireReader): SandboxJob {
  if (reader.u8() !== JOB) throw new WireError("not a job");
  const sameTenant = reader.flag();
  const streamed = reader.flag();
  const inputComes = reader.flag();
  const digest = reader.text(256) as Digest;
  const bytes = reader.flag() ? reader.bytes(JOB_BYTES_MAX) : undefined;
  const entry = reader.flag() ? reader.text(JOB_BYTES_MAX) : undefined;
  const numericArgs = reader.texts(STRINGS_MAX, JOB_BYTES_MAX);
  const argv = reader.texts(STRINGS_MAX, JOB_BYTES_MAX);
  const env = reader.texts(STRINGS_MAX, JOB_BYTES_MAX);
  const stdin = reader.bytes(JOB_BYTES_MAX);
  const mounts: Mount[] = [];
  for (let left = reader.u32(STRINGS_MAX); left > 0; left--) mounts.push(decodeMount(reader));
  const bits = reader.u8((1 << CAPABILITIES.length) - 1);
  const capabilities = CAPABILITIES.filter((_, i) => (bits & (1 << i)) !== 0);
  const max = Number.MAX_SAFE_INTEGER;
  const budgets = {
    wallMs: reader.integer(max),
    memoryBytes: reader.integer(max),
    fuel: reader.integer(max),
    outputBytes: reader.integer(max),
  };
  const seed = reader.bytes(SEED_BYTES);
  if (seed.length !== SEED_BYTES) throw new WireError("a seed has 32 bytes");
  const canaries = decodeCanaries(reader);
  reader.end();
  const asked = { digest, bytes, entry, numericArgs, argv, env, stdin, mounts, capabilities, budgets, seed };
  const job = { sameTenant, streamed, inputComes, ...asked };
  return canaries.length === 0 ? job : { ...job, canaries };
}

function decodeCanaries(reader: WireReader): readonly Canary[] {
  const canaries: Canary[] = [];
  for (let left = reader.u32(CANARIES_MAX); left > 0; left--) {
    const kind = CANARY_KINDS[reader.u8(CANARY_KINDS.length - 1)];
    if (kind === undefined) throw new WireError("a decoy of no kind");
    canaries.push({ kind, name: reader.text(CANARY_BYTES_MAX), value: reader.text(CANARY_BYTES_MAX) });
  }
  return canaries;
}

/** `u8 2 | bytes piece`: the next of the input, or its end where the piece is empty. */
export function encodeInput(piece: Bytes): readonly Bytes[] {
  const writer = new WireWriter();
  writer.u8(INPUT);
  writer.bytes(piece);
  return writer.frame();
}

/** Throws a WireError for anything that {@link encodeInput} does not write. */
export function decodeInput(reader: WireReader): Bytes {
  if (reader.u8() !== INPUT) throw new WireError("not an input");
  const piece = reader.bytes(INPUT_PIECE_BYTES_MAX);
  reader.end();
  return piece;
}

function decodeMount(reader: WireReader): Mount {
  const guestPath = reader.text(JOB_BYTES_MAX);
  const writable = reader.flag();
  const folders = reader.texts(FILES_MAX, JOB_BYTES_MAX);
  const files: MountedFile[] = [];
  for (let left = reader.u32(FILES_MAX); left > 0; left--) {
    const path = reader.text(JOB_BYTES_MAX);
    files.push({ path, bytes: reader.bytes(JOB_BYTES_MAX) });
  }
  return { guestPath, writable, folders, files };
}
