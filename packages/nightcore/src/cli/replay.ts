import { escapeControls } from "#core";
import { type Engine, explainEngineFault, explainLedgerFault } from "#ports";
import { openBlobs } from "#store/blobs";
import {
  aboutModule,
  explainHostCallDivergence,
  explainReplayFault,
  type Replay,
  type ReplayFault,
  replayEvent,
  replayRun,
} from "#worker";
import type { IntentEvent, Row } from "#state";
import { cancelOnSignal } from "./interruption.ts";
import { watchOrders } from "./kill-orders.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { findRun, readRecordedRun } from "./recorded-run.ts";
import { openEngine, readParallel, sayLostLayers } from "./engine-opening.ts";
import { crypto, openSession, openView, type View } from "./session.ts";
import { unwrap } from "./unwrap.ts";

type Verdict = "identical" | "diverged" | "not-replayable" | "blobs-missing";

/** One replay and what came of it. `intent` is there when the run was made again. */
type Told = {
  readonly run: string;
  readonly tenant: string;
  readonly verdict: Verdict;
  readonly replay?: Replay;
  readonly fault?: ReplayFault;
  readonly intent?: IntentEvent | undefined;
};

const EXITS: Readonly<Record<Verdict, number>> = {
  identical: EXIT.ok,
  diverged: EXIT.runFailed,
  "not-replayable": EXIT.usage,
  "blobs-missing": EXIT.environment,
};

/** Makes recorded runs again and says whether they come out the same. Records nothing unless asked to. */
export async function run(invocation: Invocation): Promise<number> {
  const { positionals, terminal, json } = invocation;
  const all = invocation.flag("all");
  if (all === positionals.length > 0)
    throw usageStop("either `--all` or one RUN is needed", "`nightcore inspect-state --all-tenants` lists runs");
  if (positionals.length > 1) throw usageStop("one RUN at a time, or `--all`");
  const slots = all ? (readParallel(invocation) ?? 1) : 1;
  const view = await openView(invocation);
  let told: readonly Told[];
  try {
    const rows = all
      ? view.rows.scan("runs", { where: { mode: "run" } }).filter(wasExecuted)
      : [findRun(view.rows, positionals[0] ?? "")];
    const engine = unwrap(await openEngine(slots), explainEngineFault);
    try {
      told = await replayRows(rows, { view, engine, slots, invocation });
    } finally {
      await engine.close();
    }
  } finally {
    view.close();
  }
  await sayLostLayers(invocation);
  if (invocation.flag("record")) await recordReplays(told, invocation);
  const totals = countVerdicts(told);
  if (json) terminal.print(JSON.stringify({ command: "replay", replays: told.map(encodeTold), totals }));
  if (!all) return EXITS[told[0]?.verdict ?? "not-replayable"];
  const words = Object.entries(totals).map(([verdict, n]) => `${n} ${verdict}`);
  terminal.say(`${terminal.paint("bold", `${told.length} runs`)}: ${words.join(", ") || "none"}`);
  // Runs that cannot be replayed are counted, and are nobody's fault.
  const exits = told.filter(({ verdict }) => verdict !== "not-replayable").map(({ verdict }) => EXITS[verdict]);
  return Math.max(EXIT.ok, ...exits);
}

// What was denied or only verified has nothing to replay; of the rest each is told about.
function wasExecuted(row: Row): boolean {
  return ["started", "ran", "failed"].includes(String(row["status"]));
}

type Surroundings = { readonly view: View; readonly engine: Engine; readonly slots: number; readonly invocation: Invocation };

async function replayRows(rows: readonly Row[], { view, engine, slots, invocation }: Surroundings): Promise<readonly Told[]> {
  const { terminal } = invocation;
  const blobs = openBlobs(view.layout.blobs);
  const cancellation = cancelOnSignal();
  const orders = watchOrders(view);
  const told: Told[] = [];
  let next = 0;
  const work = async () => {
    for (let row = rows[next++]; row !== undefined && !cancellation.aborted; row = rows[next++]) {
      const recorded = readRecordedRun(view, row);
      const scope = { tenant: String(row["tenant"]), signer: typeof row["key_id"] === "string" ? row["key_id"] : undefined };
      const guard = orders.killSwitch.guard(scope, cancellation);
      const result = await replayRun(recorded, { engine, blobs, sha256: crypto.sha256, rows: view.rows }, guard);
      guard.end();
      const names = { run: String(row["run"]), tenant: String(row["tenant"]) };
      const one: Told = result.ok
        ? {
            ...names,
            verdict: result.value.divergence === undefined ? "identical" : "diverged",
            replay: result.value,
            intent: recorded.intent,
          }
        : {
            ...names,
            verdict: result.fault.code === "worker/blob-missing" ? "blobs-missing" : "not-replayable",
            fault: result.fault,
          };
      told.push(one);
      sayTold(one, invocation);
      if (rows.length > 1) terminal.progress(told.length, rows.length, one.run);
    }
  };
  await Promise.all(Array.from({ length: slots }, work));
  await orders.close();
  return told;
}

function sayTold({ run, tenant, verdict, replay, fault }: Told, { terminal }: Invocation): void {
  const colour = verdict === "identical" ? "green" : verdict === "not-replayable" ? "yellow" : "red";
  const divergence = replay?.divergence;
  const first =
    divergence === undefined
      ? ""
      : `  first in ${divergence.what}: recorded ${shorten(divergence.recorded)}, now ${shorten(divergence.replayed)}`;
  terminal.say(`${terminal.paint(colour, verdict.padEnd(14))} ${run}  ${escapeControls(tenant)}${first}`);
  if (divergence?.hostCall !== undefined) terminal.say(`               ${explainHostCallDivergence(divergence.hostCall)}`);
  if (replay !== undefined && replay.engine.recorded !== replay.engine.replayed) {
    terminal.say(
      `               another engine: recorded under ${escapeControls(replay.engine.recorded)}, now ${replay.engine.replayed}`,
    );
  }
  if (fault === undefined) return;
  const { message, hint } = explainReplayFault(fault);
  terminal.say(`               ${escapeControls(message)} ${terminal.paint("dim", `[${fault.code}]`)}`);
  if (hint !== undefined) terminal.say(`               ${terminal.paint("blue", "hint")}: ${hint}`);
}

const SHOWN_CHARACTERS_MAX = 200; // LIMIT: a thousand results are not for a terminal; --json has them

function shorten(text: string): string {
  const shown = escapeControls(text === "" ? "nothing" : text);
  return shown.length > SHOWN_CHARACTERS_MAX ? `${shown.slice(0, SHOWN_CHARACTERS_MAX)}…` : shown;
}

function encodeTold({ run, tenant, verdict, replay, fault }: Told): unknown {
  const said = fault === undefined ? undefined : { code: fault.code, ...explainReplayFault(fault) };
  return { run, tenant, verdict, engine: replay?.engine, divergence: replay?.divergence, fault: said };
}

function countVerdicts(told: readonly Told[]): Readonly<Partial<Record<Verdict, number>>> {
  const counts: Partial<Record<Verdict, number>> = {};
  for (const { verdict } of told) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}

const RECORDED_AT_ONCE = 500; // LIMIT: entries in one append

async function recordReplays(told: readonly Told[], invocation: Invocation): Promise<void> {
  const nowMs = Date.now();
  const events = told.flatMap(({ replay, intent, tenant }) =>
    replay === undefined || intent === undefined
      ? []
      : [{ about: aboutModule(tenant, intent.digest), event: replayEvent(intent, replay, nowMs) }],
  );
  if (events.length === 0) return;
  const session = await openSession(invocation, { thread: false });
  try {
    for (let from = 0; from < events.length; from += RECORDED_AT_ONCE)
      unwrap(await session.recorder.record(events.slice(from, from + RECORDED_AT_ONCE)), explainLedgerFault);
  } catch (error) {
    // What was recorded stays recorded; finishing publishes it and releases the lock.
    await session.finish().catch(() => undefined);
    throw error;
  }
  await session.finish();
}
