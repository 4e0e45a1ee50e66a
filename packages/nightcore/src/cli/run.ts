import { readParallel, sayLostLayers, sizeFor } from "./engine-opening.ts";
import { type Invocation, usageStop } from "./invocation.ts";

/** Runs tenants. Where their number is known already, the sandbox processes start before everything else is even loaded. */
export async function run(invocation: Invocation): Promise<number> {
  const proof = invocation.flag("proof");
  const observe = invocation.flag("observe");
  if (invocation.text("out") !== undefined && !observe) throw usageStop("`--out` is for `--observe`");
  if (observe && (proof || invocation.flag("all"))) {
    throw usageStop("`--observe` runs one module", "give its PATH, without `--all` and `--proof`");
  }
  if (invocation.flag("stream") && (invocation.json || invocation.flag("all"))) {
    throw usageStop("`--stream` shows what one guest prints", "give one PATH, without `--all` and `--json`");
  }
  if (invocation.flag("dry-run")) {
    if (observe) throw usageStop("`--dry-run` executes nothing, and `--observe` does");
    return (await import("./dry-run.ts")).dryRun(invocation, proof ? "proof" : "run");
  }
  const one = invocation.positionals.length > 0 ? 1 : undefined;
  const slots = invocation.flag("all") ? readParallel(invocation) : one;
  // The room is awaited: loading `conduct` keeps this thread busy, and the processes have to be on their way by then.
  const opening = proof || slots === undefined ? undefined : (await import("#engine/v8")).openV8Engine(sizeFor(slots));
  const exit = observe
    ? await (await import("./observe.ts")).observe(invocation, opening)
    : (await (await import("./conduct.ts")).conduct(invocation, { mode: proof ? "proof" : "run", opening })).exit;
  if (!proof) await sayLostLayers(invocation);
  return exit;
}
