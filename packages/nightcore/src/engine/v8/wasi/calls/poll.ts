import { CLOCK } from "../clock.ts";
import type { WasiContext } from "../context.ts";
import { Errno, ERRNO, type ErrnoValue } from "../errno.ts";
import type { WasiCall } from "./call.ts";

const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
const SUBSCRIPTIONS_MAX = 4096; // LIMIT: each is read and answered by the host; a guest has at most 1,024 descriptors
const ABSOLUTE_TIME = 1;
const EVENT = { clock: 0, read: 1, write: 2 } as const;

type Answer = { readonly userdata: bigint; readonly type: number; readonly errno: ErrnoValue; readonly bytes: number };
type Timer = { readonly userdata: bigint; readonly leftNs: bigint };

/** `poll_oneoff`: files and streams are always ready, so it waits only when all that it is asked about is time. */
export const POLL_CALLS = {
  poll_oneoff(context: WasiContext, subscriptions: number, events: number, count: number, pointer: number) {
    const { memory } = context;
    const total = count >>> 0;
    if (total === 0) return ERRNO.inval;
    memory.check(subscriptions, total * SUBSCRIPTION_BYTES);
    memory.check(events, total * EVENT_BYTES);
    memory.check(pointer, 4);
    if (total > SUBSCRIPTIONS_MAX) return ERRNO.inval;
    const answers: Answer[] = [];
    const timers: Timer[] = [];
    for (let i = 0; i < total; i++) readSubscription(context, (subscriptions >>> 0) + i * SUBSCRIPTION_BYTES, answers, timers);
    if (answers.length === 0) waitForFirst(context, timers, answers);
    answers.forEach((answer, i) => writeEvent(context, (events >>> 0) + i * EVENT_BYTES, answer));
    memory.setU32(pointer, answers.length);
    return ERRNO.success;
  },
} satisfies Readonly<Record<string, WasiCall>>;

function readSubscription(context: WasiContext, at: number, answers: Answer[], timers: Timer[]): void {
  const { memory } = context;
  const userdata = memory.getU64(at);
  const type = memory.getU8(at + 8);
  if (type === EVENT.clock) {
    const clock = memory.getU32(at + 16);
    const flags = memory.getU16(at + 40);
    if (clock > CLOCK.threadCputime || flags > ABSOLUTE_TIME) answers.push({ userdata, type, errno: ERRNO.inval, bytes: 0 });
    else {
      const timeout = memory.getU64(at + 24);
      const leftNs = flags === ABSOLUTE_TIME ? timeout - context.clock.now(clock) : timeout;
      if (leftNs <= 0n) answers.push({ userdata, type, errno: ERRNO.success, bytes: 0 });
      else timers.push({ userdata, leftNs });
    }
  } else if (type === EVENT.read || type === EVENT.write) {
    answers.push({ userdata, type, ...readiness(context, memory.getU32(at + 16), type) });
  } else answers.push({ userdata, type, errno: ERRNO.inval, bytes: 0 });
}

function readiness(context: WasiContext, fd: number, type: number): { readonly errno: ErrnoValue; readonly bytes: number } {
  try {
    const { opened } = context.descriptors.get(fd);
    if (opened.kind === "stdin" && type === EVENT.read) return { errno: ERRNO.success, bytes: context.input.leftBytes };
    if (opened.kind !== "file") return { errno: ERRNO.success, bytes: 0 };
    const left = type === EVENT.read ? Math.max(0, opened.node.content.length - opened.offset) : 0;
    return { errno: ERRNO.success, bytes: left };
  } catch (error) {
    if (error instanceof Errno) return { errno: error.errno, bytes: 0 };
    throw error;
  }
}

function waitForFirst(context: WasiContext, timers: readonly Timer[], answers: Answer[]): void {
  let shortestNs = timers[0]?.leftNs ?? 0n;
  for (const timer of timers) if (timer.leftNs < shortestNs) shortestNs = timer.leftNs;
  context.clock.sleep(shortestNs);
  for (const timer of timers) {
    if (timer.leftNs <= shortestNs) answers.push({ userdata: timer.userdata, type: EVENT.clock, errno: ERRNO.success, bytes: 0 });
  }
}

function writeEvent(context: WasiContext, at: number, answer: Answer): void {
  const { memory } = context;
  memory.slice(at, EVENT_BYTES).fill(0);
  memory.setU64(at, answer.userdata);
  memory.setU16(at + 8, answer.errno);
  memory.setU8(at + 10, answer.type);
  memory.setU64(at + 16, BigInt(answer.bytes));
}
