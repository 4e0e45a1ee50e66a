import type { Engine, EngineFault } from "#ports";
import type { Result } from "#core";
import type { Invocation } from "./invocation.ts";

/** Runs tenants. The sandbox process of a single run starts before everything else is even loaded. */
export async function run(invocation: Invocation): Promise<number> {
  const proof = invocation.flag("proof");
  const opening = proof || invocation.flag("all") || invocation.positionals.length === 0 ? undefined : openEngine(1);
  const { conduct } = await import("./conduct.ts");
  const { exit } = await conduct(invocation, { mode: proof ? "proof" : "run", opening });
  return exit;
}

/** Opens the engine and loads nothing else; its sandbox processes start in the background. */
export async function openEngine(slots: number): Promise<Result<Engine, EngineFault>> {
  const { openV8Engine } = await import("#engine/v8");
  return openV8Engine({ slots });
}
