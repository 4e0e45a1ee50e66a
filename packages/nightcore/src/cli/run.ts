import type { Engine, EngineFault } from "#ports";
import type { Result } from "#core";
import type { Invocation } from "./invocation.ts";

/** Runs tenants. The sandbox process of a single run starts before everything else is even loaded. */
export async function run(invocation: Invocation): Promise<number> {
  const proof = invocation.flag("proof");
  const single = !proof && !invocation.flag("all") && invocation.positionals.length > 0;
  // Awaited: loading `conduct` keeps this thread busy, and the process has to be on its way by then.
  const opening = single ? Promise.resolve(await openEngine(1)) : undefined;
  const { conduct } = await import("./conduct.ts");
  const { exit } = await conduct(invocation, { mode: proof ? "proof" : "run", opening });
  return exit;
}

export async function openEngine(slots: number): Promise<Result<Engine, EngineFault>> {
  const { openV8Engine } = await import("#engine/v8");
  return openV8Engine({ slots });
}
