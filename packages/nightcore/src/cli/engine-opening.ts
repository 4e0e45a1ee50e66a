import { availableParallelism } from "node:os";
import type { Result } from "#core";
import type { Engine, EngineFault, EngineSize } from "#ports";
import { type Invocation, usageStop } from "./invocation.ts";

/** Opens the engine that runs tenants, and loads nothing else; its sandbox processes are starting when this resolves. */
export async function openEngine(slots: number): Promise<Result<Engine, EngineFault>> {
  const { openV8Engine } = await import("#engine/v8");
  return openV8Engine(sizeFor(slots));
}

/** Where several guests run at once, one that is killed holds nobody up: a spare process takes its place. */
export function sizeFor(slots: number): EngineSize {
  return { slots, spares: slots > 1 ? 1 : 0 };
}

/** Guests at once as `--parallel` says; undefined where it says nothing. */
export function readParallel(invocation: Invocation): number | undefined {
  const text = invocation.text("parallel");
  if (text === undefined) return undefined;
  if (!/^\d{1,3}$/.test(text) || Number(text) > 256) throw usageStop("`--parallel` takes a whole number up to 256");
  return Number(text) === 0 ? availableParallelism() : Number(text);
}

/** Once for a command that ran guests: a layer that is installed and would not start is never lost in silence. */
export async function sayLostLayers({ terminal }: Invocation): Promise<void> {
  const { readLostLayers } = await import("#engine/v8");
  const lost = readLostLayers();
  if (lost.length === 0) return;
  terminal.say(`${terminal.paint("yellow", "warning")}: the sandbox ran without ${lost.join(", ")}, which would not start here`);
  const how = "`nightcore verify-env` says why; a policy can demand layers with `require_isolation`";
  terminal.say(`${terminal.paint("blue", "hint")}: ${how}`);
}
