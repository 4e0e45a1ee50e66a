/**
 * The sandbox process: takes one job at a time from its channel, runs it, and answers. It holds no secret, no environment, no
 * descriptor but the channel, and may read no file but its own code. It ends when the worker does.
 */
import { meterModule } from "../meter/rewrite.ts";
import { type Bytes, INPUT_PIECE_BYTES_MAX } from "#core";
import type { PrintedStream } from "#ports";
import { encodeNeedInput, encodeNeedModule, encodeOutcome, encodeReady, type GuestOutcome } from "../wire/answer.ts";
import { decodeInput, decodeJob, JOB_BYTES_MAX, type SandboxJob } from "../wire/job.ts";
import { WireReader } from "../wire/reader.ts";
import { checkImports } from "../wasi/host.ts";
import { receiveMessage, sendFrame } from "./channel.ts";
import { planEntry } from "./entry.ts";
import { type GuestEnd, type GuestHost, refusedOutcome, runGuest } from "./guest.ts";
import { MemoryKeeper } from "./memory.ts";
import { ModuleCache, pagesOf } from "./module-cache.ts";
import { PieceSender } from "./piece-sender.ts";

// Refusals are thrown and caught many times in a run; nobody reads their stacks.
Error.stackTraceLimit = 0;

const INPUT_MESSAGE_BYTES_MAX = INPUT_PIECE_BYTES_MAX + 16;

const cache = new ModuleCache();
const memories = new MemoryKeeper();

/**
 * Runs the form of the module that is fast; when that ends by a trap that its fuel may not be right after, the exact one from the
 * beginning, which does the same with the same input. Where the input is not the same again, there is only the exact one.
 * Undefined when the module is needed first.
 */
function outcomeOf(job: SandboxJob): GuestOutcome | undefined {
  const sender = job.streamed ? new PieceSender(sendFrame) : undefined;
  const tell = sender && ((stream: PrintedStream, written: Bytes) => sender.tell(stream, written));
  const host: GuestHost = { memories, tell, ask: job.inputComes ? askInput : undefined };
  const repeatable = !job.inputComes && !job.capabilities.some((one) => one === "clock:real" || one === "random:real");
  if (repeatable) {
    const outcome = runForm(job, host, false);
    if (outcome?.repeat !== true) return outcome;
    memories.clean();
  }
  return runForm(job, host, true);
}

/** The channel has nothing else on it: no other job is sent to a process whose guest has input to come. */
function askInput(): Bytes {
  sendFrame(encodeNeedInput());
  const message = receiveMessage(INPUT_MESSAGE_BYTES_MAX, { keepsLast: true }); // the job, which is still running
  return message === undefined ? process.exit(0) : decodeInput(new WireReader(message));
}

/** What the host does not offer is refused before V8 has seen the module. */
function runForm(job: SandboxJob, host: GuestHost, exactAtTraps: boolean): GuestEnd | undefined {
  const { digest, bytes } = job;
  const { memoryBytes } = job.budgets;
  const key = { digest, memoryBytes, exactAtTraps };
  const found = cache.find(key);
  if (found !== undefined) {
    const planned = planEntry(found.metered.shape, job.entry, job.numericArgs);
    return planned.ok ? runGuest(found, job, planned.value, host) : refusedOutcome(planned.fault);
  }
  if (bytes === undefined) return undefined;
  const metered = meterModule(bytes, { memoryPagesMax: pagesOf(memoryBytes), exactAtTraps });
  if (!metered.ok) return refusedOutcome(metered.fault);
  const { shape } = metered.value;
  const offered = checkImports(shape.imports);
  if (!offered.ok) return refusedOutcome(offered.fault);
  const planned = planEntry(shape, job.entry, job.numericArgs);
  if (!planned.ok) return refusedOutcome(planned.fault);
  const compiled = cache.compile(key, metered.value);
  return compiled.ok ? runGuest(compiled.value, job, planned.value, host) : refusedOutcome(compiled.fault);
}

sendFrame(encodeReady());
for (;;) {
  const message = receiveMessage(JOB_BYTES_MAX);
  if (message === undefined) break;
  const outcome = outcomeOf(decodeJob(new WireReader(message)));
  sendFrame(outcome === undefined ? encodeNeedModule() : encodeOutcome(outcome));
  memories.clean(); // while the worker reads the answer
}
process.exit(0);
