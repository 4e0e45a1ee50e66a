import { availableParallelism } from "node:os";
import type { Engine, EngineFault } from "#ports";
import type { Result } from "#core";
import { type Invocation, usageStop } from "./invocation.ts";

/** Runs tenants. Where their number is known already, the sandbox processes start before everything else is even loaded. */
export async function run(invocation: Invocation): Promise<number> {
  const proof = invocation.flag("proof");
  const observe = invocation.flag("observe");
  if (invocation.text("out") !== undefined && !observe) throw usageStop("`--out` is for `--observe`");
  if (observe && (proof || invocation.flag("all")))
    throw usageStop("`--observe` runs one module", "give its PATH, without `--all` and `--proof`");
  const one = invocation.positionals.length > 0 ? 1 : undefined;
  const slots = invocation.flag("all") ? readParallel(invocation) : one;
  // The room is awaited: loading `conduct` keeps this thread busy, and the processes have to be on their way by then.
  const opening = proof || slots === undefined ? undefined : (await import("#engine/v8")).openV8Engine({ slots });
  if (observe) return (await import("./observe.ts")).observe(invocation, opening);
  const { conduct } = await import("./conduct.ts");
  const { exit } = await conduct(invocation, { mode: proof ? "proof" : "run", opening });
  if (!proof) await sayLostLayers(invocation);
  return exit;
}

/** Once for a command: a layer that is installed and would not start is never lost in silence. */
async function sayLostLayers({ terminal }: Invocation): Promise<void> {
  const { readLostLayers } = await import("#engine/v8");
  const lost = readLostLayers();
  if (lost.length === 0) return;
  terminal.say(`${terminal.paint("yellow", "warning")}: the sandbox ran without ${lost.join(", ")}, which would not start here`);
  terminal.say(
    `${terminal.paint("blue", "hint")}: \`nightcore verify-env\` says why; a policy can demand layers with \`require_isolation\``,
  );
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
