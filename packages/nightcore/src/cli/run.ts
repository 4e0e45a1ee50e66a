import { availableParallelism } from "node:os";
import type { Engine, EngineFault } from "#ports";
import type { Result } from "#core";
import { type Invocation, usageStop } from "./invocation.ts";

/** Runs tenants. Where their number is known already, the sandbox processes start before everything else is even loaded. */
export async function run(invocation: Invocation): Promise<number> {
  const proof = invocation.flag("proof");
  const one = invocation.positionals.length > 0 ? 1 : undefined;
  const slots = invocation.flag("all") ? readParallel(invocation) : one;
  // Awaited: loading `conduct` keeps this thread busy, and the processes have to be on their way by then.
  const opening = proof || slots === undefined ? undefined : Promise.resolve(await openEngine(slots));
  const { conduct } = await import("./conduct.ts");
  const { exit } = await conduct(invocation, { mode: proof ? "proof" : "run", opening });
  return exit;
}

/** Opens the engine that runs tenants; its sandbox processes are starting when this resolves. */
export async function openEngine(slots: number): Promise<Result<Engine, EngineFault>> {
  const { openV8Engine } = await import("#engine/v8");
  return openV8Engine({ slots });
}

/** Guests at once as `--parallel` says; undefined where it says nothing. */
export function readParallel(invocation: Invocation): number | undefined {
  const text = invocation.text("parallel");
  if (text === undefined) return undefined;
  if (!/^\d{1,3}$/.test(text) || Number(text) > 256) throw usageStop("`--parallel` takes a whole number up to 256");
  return Number(text) === 0 ? availableParallelism() : Number(text);
}
