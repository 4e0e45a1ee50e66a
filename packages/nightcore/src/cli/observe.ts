import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Budgets, type Capability, quote, type Result } from "#core";
import { type Engine, type EngineFault, explainEngineFault, explainLedgerFault, type ModuleSource } from "#ports";
import { parseManifest } from "#trust";
import { random } from "#store/keys";
import { MARGIN_PERCENT, type Observation, observeModule, Pipeline } from "#worker";
import { powersOf } from "./conduct.ts";
import { cancelOnSignal } from "./interruption.ts";
import { watchOrders } from "./kill-orders.ts";
import { type CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readBackend, readRequest, selectSources } from "./request.ts";
import { openEngine } from "./engine-opening.ts";
import { encodeRecord } from "./run-report.ts";
import { count, exitOfRuns, sayRecord } from "./run-words.ts";
import { openSession, type Session } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** Runs one module with everything that the policy grants, and again with less, and proposes the smallest manifest that is enough. */
export async function observe(
  invocation: Invocation,
  opening: Promise<Result<Engine, EngineFault>> | undefined,
): Promise<number> {
  const out = invocation.text("out");
  const opened = opening ?? openEngine(1);
  try {
    if (out !== undefined && existsSync(resolve(out))) throw outExists(out);
    const engine = unwrap(await opened, explainEngineFault);
    const session = await openSession(invocation, { thread: false });
    let found: { readonly observation: Observation; readonly source: ModuleSource };
    try {
      found = await observeIn(session, invocation, engine);
    } catch (error) {
      await session.finish().catch(() => undefined);
      throw error;
    }
    await session.finish();
    return tell(found, invocation, out);
  } finally {
    const engine = await opened;
    if (engine.ok) await engine.value.close();
  }
}

async function observeIn(session: Session, invocation: Invocation, engine: Engine) {
  const backend = readBackend(invocation);
  const request = readRequest(invocation, "run");
  const [source] = selectSources(invocation, session.layout, session.configuration.moduleBytesMax);
  if (source === undefined) throw usageStop("one PATH is needed");
  const powers = powersOf(session);
  const policy = powers.policies.policyOf(source.tenant);
  // Under a policy that cannot be read nothing is allowed, and so nothing is run with these.
  const nothing: Budgets = { wallMs: 0, memoryBytes: 0, fuel: 0, outputBytes: 0 };
  const { capabilities, limits } = policy.state === "read" ? policy.policy : { capabilities: [], limits: nothing };
  const orders = watchOrders(session);
  const pipeline = new Pipeline({ ...powers, engine, backend, isolation: engine.isolation, killSwitch: orders.killSwitch });
  const options = { offered: capabilities, limits, random, cancellation: cancelOnSignal() };
  const observed = await observeModule(pipeline, { source, request }, options);
  await orders.close();
  const observation = unwrap(observed, explainLedgerFault);
  return { observation, source };
}

type Found = { readonly observation: Observation; readonly source: ModuleSource };

function tell({ observation, source }: Found, invocation: Invocation, out: string | undefined): number {
  const { terminal, json } = invocation;
  const { baseline, runs, kind } = observation;
  if (kind !== "observed") {
    sayRecord(terminal, baseline);
    terminal.say(
      kind === "refused" ? "nothing was run, and so nothing was observed" : "it did not end by itself, so nothing is proposed",
    );
    if (json) terminal.print(JSON.stringify({ command: "run", observed: { kind, runs, baseline: encodeRecord(baseline) } }));
    return exitOfRuns([baseline]);
  }
  const { judged, capabilities, budgets, confirmed, confirmation } = observation;
  const manifest = proposeManifest(source, { capabilities, budgets, entry: baseline.entry });
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  if (out !== undefined) writeNew(out, text);
  const { usage, observed } = baseline;
  for (const { capability, needed } of judged)
    terminal.say(`${needed ? terminal.paint("green", "needed    ") : terminal.paint("dim", "not needed")}  ${capability}`);
  if (usage !== undefined) {
    const used = `fuel ${count(usage.fuel)}, memory ${count(usage.memoryBytes)} bytes, output ${count(usage.outputBytes)} bytes`;
    terminal.say(`used: ${used}, ${usage.wallMs.toFixed(0)} ms; proposed is ${MARGIN_PERCENT} % more`);
  }
  if (observed !== undefined) terminal.say(`called: ${observed.calls.join(", ")}`);
  if (observed !== undefined && observed.openedPaths.length > 0) terminal.say(`opened: ${observed.openedPaths.join(", ")}`);
  if (!confirmed) {
    sayRecord(terminal, confirmation);
    terminal.say(
      `${terminal.paint("yellow", "warning")}: with exactly this it does not run as it did; what it needs differs from run to run`,
    );
  }
  terminal.say(`${runs.length} runs, each recorded; the first is ${baseline.run}`);
  if (out !== undefined) terminal.say(`wrote ${quote(out)}`);
  terminal.say(`${terminal.paint("blue", "hint")}: put it in the place of manifest.json and sign the module again`);
  if (json) {
    const found = { kind, runs, judged, confirmed, baseline: encodeRecord(baseline) };
    terminal.print(JSON.stringify({ command: "run", observed: found, manifest }));
  } else if (out === undefined) terminal.print(text);
  return confirmed ? EXIT.ok : EXIT.runFailed;
}

type Proposed = { readonly capabilities: readonly Capability[]; readonly budgets: Budgets; readonly entry: string };

/** Our own form (docs/formats/manifest.md). What the manifest says about the module besides stays as it is, its source above all. */
function proposeManifest(source: ModuleSource, { capabilities, budgets, entry }: Proposed): object {
  const bytes = source.read().manifest;
  const parsed = bytes === undefined ? undefined : parseManifest(bytes);
  const before = parsed?.ok === true ? parsed.value : undefined;
  const { wallMs, memoryBytes, fuel, outputBytes } = budgets;
  // Members that are undefined are left out of the text.
  return {
    format: "nightcore-manifest/v1",
    name: before?.name,
    tenant: before?.tenant,
    version: before?.version,
    description: before?.description,
    capabilities,
    budgets: { wall_ms: wallMs, memory_bytes: memoryBytes, fuel, output_bytes: outputBytes },
    entry: entry === "_start" ? undefined : entry,
    source: before === undefined || before.source === "unspecified" ? undefined : before.source,
  };
}

function writeNew(path: string, text: string): void {
  try {
    writeFileSync(resolve(path), text, { flag: "wx" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") throw outExists(path);
    throw usageStop(`${quote(path)} cannot be written`);
  }
}

function outExists(path: string): CommandStop {
  return usageStop(`${quote(path)} exists, and is not overwritten`, "name another file with `--out`");
}
