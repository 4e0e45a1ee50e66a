import type { Bytes } from "./bytes.ts";

/** The functions of `wasi_snapshot_preview1` in alphabetical order, by which a call has a number. */
export const HOST_CALLS: readonly string[] = (
  "args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get fd_advise fd_allocate fd_close " +
  "fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size " +
  "fd_filestat_set_times fd_pread fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read fd_readdir fd_renumber fd_seek " +
  "fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times path_link path_open " +
  "path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise " +
  "random_get sched_yield sock_accept sock_recv sock_send sock_shutdown"
).split(" ");

/** LIMIT: calls of a trace that are kept one by one; 6 bytes each. */
export const TRACED_CALLS_MAX = 512;
/** LIMIT: digests that are kept of the calls behind those; 8 bytes each. */
export const TRACE_CHECKPOINTS_MAX = 512;
/** LIMIT: of an encoded trace: a header, the calls, the checkpoints. */
export const TRACE_BYTES_MAX: number = 17 + 6 * TRACED_CALLS_MAX + 8 * TRACE_CHECKPOINTS_MAX;
/** What stands for the errno of a call that did not return. */
export const NOT_RETURNED = 255;

const VERSION = 1;
const HEADER_BYTES = 17;
const SPACING_MIN = 64;
const ERRNO_MAX = 76; // the last of preview 1

/** One call: its number in {@link HOST_CALLS}, its errno, and a word of the running digest behind it. */
export type TracedCall = { readonly call: number; readonly errno: number; readonly digest: number };

/** A running digest: two words of 32 bits. It tells calls apart; it is no protection against someone who looks for collisions. */
export type TraceDigest = readonly [number, number];

/**
 * What a guest called, in order: how often, the digest behind the last call, the first calls one by one, and the digest behind
 * every `spacing`th of the others (docs/formats/replay.md).
 */
export type HostCallTrace = {
  readonly count: number;
  readonly digest: TraceDigest;
  readonly calls: readonly TracedCall[];
  readonly checkpoints: readonly TraceDigest[];
};

/** After how many calls a digest is kept, in a trace of `count`: the smallest power of two that needs no more than there may be. */
export function traceSpacing(count: number): number {
  let spacing = SPACING_MIN;
  while (checkpointsIn(count, spacing) > TRACE_CHECKPOINTS_MAX) spacing *= 2;
  return spacing;
}

/** How many multiples of `spacing` there are behind the calls that are kept one by one. */
export function checkpointsIn(count: number, spacing: number): number {
  return Math.max(0, Math.floor(count / spacing) - Math.floor(TRACED_CALLS_MAX / spacing));
}

/**
 * `u8 1 | u32 count, low and high | u32 digest, two | (u8 call, u8 errno, u32 digest) for each call | (u32, u32) for each
 * checkpoint`, little-endian.
 */
export function encodeHostCallTrace({ count, digest, calls, checkpoints }: HostCallTrace): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + 6 * calls.length + 8 * checkpoints.length);
  const view = new DataView(bytes.buffer);
  let at = 1;
  const word = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  bytes[0] = VERSION;
  for (const value of [count % 2 ** 32, Math.floor(count / 2 ** 32), ...digest]) word(value);
  for (const { call, errno, digest: behind } of calls) {
    bytes[at++] = call;
    bytes[at++] = errno;
    word(behind);
  }
  for (const [first, second] of checkpoints) {
    word(first);
    word(second);
  }
  return bytes;
}

/** The trace that has exactly these bytes, or undefined for what {@link encodeHostCallTrace} does not make. */
export function parseHostCallTrace(bytes: Bytes): HostCallTrace | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 1;
  const word = (): number => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const count = word() + word() * 2 ** 32;
  if (!Number.isSafeInteger(count)) return undefined;
  const callCount = Math.min(count, TRACED_CALLS_MAX);
  const checkpointCount = checkpointsIn(count, traceSpacing(count));
  if (bytes.length !== HEADER_BYTES + 6 * callCount + 8 * checkpointCount) return undefined;
  const digest: TraceDigest = [word(), word()];
  const calls: TracedCall[] = [];
  for (let n = 0; n < callCount; n++) {
    const [call = 0, errno = 0] = [bytes[at++], bytes[at++]];
    if (call >= HOST_CALLS.length || (errno > ERRNO_MAX && errno !== NOT_RETURNED)) return undefined;
    calls.push({ call, errno, digest: word() });
  }
  const checkpoints: TraceDigest[] = [];
  for (let n = 0; n < checkpointCount; n++) checkpoints.push([word(), word()]);
  return { count, digest, calls, checkpoints };
}

/** Where two traces part: behind `after` calls they agree, and by the call `by` (counted from 1) they do not. */
export type TraceDifference = {
  readonly after: number;
  readonly by: number;
  /** The call on either side where it is known which it is: undefined on a side that had ended. */
  readonly calls: readonly [TracedCall | undefined, TracedCall | undefined] | undefined;
};

/** The first difference, as near as both have kept their calls; undefined when there is none. */
export function compareHostCallTraces(a: HostCallTrace, b: HostCallTrace): TraceDifference | undefined {
  const shown = Math.max(a.calls.length, b.calls.length);
  for (let n = 0; n < shown; n++) {
    const [one, other] = [a.calls[n], b.calls[n]];
    const same = one?.call === other?.call && one?.errno === other?.errno && one?.digest === other?.digest;
    if (!same) return { after: n, by: n + 1, calls: [one, other] };
  }
  let after = shown;
  // What the longer one keeps, the shorter one has too: one spacing is a multiple of the other.
  const spacing = Math.max(traceSpacing(a.count), traceSpacing(b.count));
  for (let n = (Math.floor(TRACED_CALLS_MAX / spacing) + 1) * spacing; n <= Math.min(a.count, b.count); n += spacing) {
    if (!sameDigest(checkpointAt(a, n), checkpointAt(b, n))) return { after, by: n, calls: undefined };
    after = n;
  }
  if (a.count !== b.count) return { after, by: Math.min(a.count, b.count) + 1, calls: undefined };
  return sameDigest(a.digest, b.digest) ? undefined : { after, by: a.count, calls: undefined };
}

function checkpointAt({ count, checkpoints }: HostCallTrace, n: number): TraceDigest | undefined {
  const spacing = traceSpacing(count);
  return checkpoints[n / spacing - Math.floor(TRACED_CALLS_MAX / spacing) - 1];
}

function sameDigest(a: TraceDigest | undefined, b: TraceDigest | undefined): boolean {
  return a?.[0] === b?.[0] && a?.[1] === b?.[1];
}
