/**
 * The sandbox process: takes one job at a time from its channel, runs it, and answers. It holds no secret, no environment, no
 * descriptor but the channel, and may read no file but its own code. It ends when the worker does.
 */
import { meterModule } from "../meter/rewrite.ts";
import { encodeNeedModule, encodeOutcome, encodeReady, type GuestOutcome } from "../wire/answer.ts";
import { decodeJob, JOB_BYTES_MAX, type SandboxJob } from "../wire/job.ts";
import { WireReader } from "../wire/reader.ts";
import { receiveMessage, sendFrame } from "./channel.ts";
import { planGuest, refusedOutcome, runGuest } from "./guest.ts";
import { ModuleCache, pagesOf } from "./module-cache.ts";

// Refusals are thrown and caught many times in a run; nobody reads their stacks.
Error.stackTraceLimit = 0;

const cache = new ModuleCache();

/** Undefined when the module is needed first. What the host does not offer is refused before V8 has seen the module. */
function outcomeOf(job: SandboxJob): GuestOutcome | undefined {
  const { digest, bytes } = job;
  const { memoryBytes } = job.budgets;
  const found = cache.find(digest, memoryBytes);
  if (found !== undefined) {
    const planned = planGuest(found.metered.shape, job);
    return planned.ok ? runGuest(found, job, planned.value) : refusedOutcome(planned.fault);
  }
  if (bytes === undefined) return undefined;
  const metered = meterModule(bytes, { memoryPagesMax: pagesOf(memoryBytes) });
  if (!metered.ok) return refusedOutcome(metered.fault);
  const planned = planGuest(metered.value.shape, job);
  if (!planned.ok) return refusedOutcome(planned.fault);
  const compiled = cache.compile(digest, memoryBytes, metered.value);
  return compiled.ok ? runGuest(compiled.value, job, planned.value) : refusedOutcome(compiled.fault);
}

sendFrame(encodeReady());
for (;;) {
  const message = receiveMessage(JOB_BYTES_MAX);
  if (message === undefined) break;
  const outcome = outcomeOf(decodeJob(new WireReader(message)));
  sendFrame(outcome === undefined ? encodeNeedModule() : encodeOutcome(outcome));
}
process.exit(0);
