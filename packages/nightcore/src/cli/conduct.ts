import { join, relative } from "node:path";
import type { Result } from "#core";
import { describeV8Engine } from "#engine/v8";
import { type Engine, type EngineFault, explainEngineFault, explainLedgerFault, type Print } from "#ports";
import type { RunReport } from "#report";
import { isBlocked } from "#state";
import { openBlobs } from "#store/blobs";
import { random } from "#store/keys";
import { replaceFile, replaceReport } from "#store/workspace";
import { Pipeline, processAll, type RunRecord, type RunRequest } from "#worker";
import type { GuestOutput } from "./guest-output.ts";
import { EXIT, type Invocation } from "./invocation.ts";
import { readBackend, readRequest, selectSources } from "./request.ts";
import { openEngine, readParallel } from "./engine-opening.ts";
import { encodeRecord, makeRunReport, viewLog } from "./run-report.ts";
import { exitOfRuns, sayOutput, sayRecord, sayTotals } from "./run-words.ts";
import { crypto, logKeyOf, openConfiguration, openSession, type Session } from "./session.ts";
import { cancelOnSignal } from "./interruption.ts";
import { judgingPowersOf } from "./judging.ts";
import { watchOrders } from "./kill-orders.ts";
import { openPolicies } from "./policy-store.ts";
import { openRecordedAnswers } from "./recorded-answers.ts";
import { unwrap } from "./unwrap.ts";
import { isolateFolder } from "./vaulting.ts";

const PASSAGES_PER_SLOT = 16; // LIMIT: recording overlaps with running, and so many share a flush; each holds one module in memory

/** What came out of a batch, and the exit code that says it. */
export type Conducted = { readonly records: readonly RunRecord[]; readonly exit: number };

/** How to conduct: `opening` is the engine of a run that has been started already. */
export type Conduct = { readonly mode: "run" | "proof"; readonly opening?: Promise<Result<Engine, EngineFault>> | undefined };

/** Takes the named modules through the pipeline, tells about each, writes the reports, and prints the JSON if asked. */
export async function conduct(invocation: Invocation, { mode, opening }: Conduct): Promise<Conducted> {
  const all = invocation.flag("all");
  let engine: Promise<Result<Engine, EngineFault>> | undefined = opening;
  try {
    const backend = readBackend(invocation);
    const request = readRequest(invocation, mode);
    const asked = readParallel(invocation);
    const files = await openConfiguration(invocation);
    const parallel = asked ?? files.configuration.parallel;
    // The sandbox processes start while the ledger is opened.
    if (mode === "run") engine ??= openEngine(parallel);
    const session = await openSession(invocation, { thread: all, files });
    try {
      const powers = powersOf(session);
      // This keeps the thread busy, which has nothing to do until the sandbox processes are up.
      powers.policyEngine?.open();
      powers.trial?.engine?.open();
      const passage = {
        ...{ backend, request, parallel, powers },
        engine: engine === undefined ? undefined : unwrap(await engine, explainEngineFault),
      };
      return await conductIn(session, invocation, { mode, ...passage });
    } catch (error) {
      // Whatever went wrong, what was recorded stays recorded; finishing publishes it and releases the lock.
      await session.finish().catch(() => undefined);
      throw error;
    }
  } finally {
    const opened = await engine;
    if (opened?.ok === true) await opened.value.close();
  }
}

type Passage = {
  readonly mode: "run" | "proof";
  readonly backend: string;
  readonly request: RunRequest;
  readonly parallel: number;
  readonly engine: Engine | undefined;
  readonly powers: ReturnType<typeof powersOf>;
};

async function conductIn(
  session: Session,
  invocation: Invocation,
  { mode, backend, request, parallel, engine, powers }: Passage,
): Promise<Conducted> {
  const { terminal, json } = invocation;
  const all = invocation.flag("all");
  const startedMs = Date.now();
  // An engine that is open knows which layers are in place; what is only verified is told what would be tried.
  const { isolation, version } = engine ?? describeV8Engine();
  const sources = selectSources(invocation, session.layout, session.configuration.moduleBytesMax);
  const output = all || json ? undefined : terminal.openGuestOutput();
  const streamed = invocation.flag("stream") || terminal.watched ? output : undefined;
  const print: Print | undefined = streamed && ((stream, bytes) => streamed.show(stream, bytes));
  const orders = watchOrders(session);
  const pipeline = new Pipeline({ ...powers, engine, backend, isolation, print, killSwitch: orders.killSwitch });
  let done = 0;
  const onEnd = (record: RunRecord) => {
    done++;
    if (all) terminal.progress(done, sources.length, record.tenant);
  };
  const cancellation = cancelOnSignal();
  const jobs = sources.map((source) => ({ source, request }));
  const batch = await processAll(pipeline, jobs, { concurrency: all ? parallel * PASSAGES_PER_SLOT : 1, cancellation, onEnd });
  await orders.close();
  // Before any words of ours, which begin on a line of their own.
  if (streamed !== undefined) showRest(streamed, batch.ok ? batch.value.at(-1) : undefined);
  const records = unwrap(batch, explainLedgerFault);
  isolateReturned(session, records);
  // The sandbox processes end while the log is being published.
  const closing = engine?.close();
  const checkpoint = await session.finish();
  const log = viewLog(checkpoint, logKeyOf(session));
  const report = makeRunReport({ records, mode, startedMs, endedMs: Date.now(), parallel, engine: version, log });
  tell(invocation, records, report.totalMs);
  if (output !== undefined && streamed === undefined) showRest(output, records.at(-1));
  if (all) await writeReports(session, report, invocation);
  if (json) {
    const runs = records.map(encodeRecord);
    terminal.print(
      JSON.stringify({ command: invocation.command.join(" "), mode, runs, log, acknowledged: session.acknowledged() }),
    );
  }
  await closing;
  return { records, exit: Math.max(cancellation.aborted ? EXIT.runFailed : EXIT.ok, exitOfRuns(records)) };
}

/** Bytes that were blocked before they came here go where the others went. */
function isolateReturned(session: Session, records: readonly RunRecord[]): void {
  for (const { digest, path } of records) {
    if (digest !== undefined && isBlocked(session.rows, digest)) isolateFolder(session, join(session.layout.root, path));
  }
}

/** What every pipeline of a session works with, its engine aside. */
export function powersOf(session: Session) {
  const { recorder, layout, configuration } = session;
  const { level, unreached } = configuration.acknowledgement;
  const acknowledgement = level === "durable" ? undefined : { level, unreached };
  const policies = openPolicies(layout, session.rows, openRecordedAnswers(session));
  return { ...judgingPowersOf(session, policies), random, recorder, blobs: openBlobs(layout.blobs), acknowledgement };
}

/** What the guest printed and nobody was shown yet. Of a run that the engine killed, nothing is kept. */
function showRest(output: GuestOutput, record: RunRecord | undefined): void {
  for (const stream of ["stdout", "stderr"] as const) output.finish(stream, record?.[stream] ?? new Uint8Array());
}

function tell(invocation: Invocation, records: readonly RunRecord[], wholeMs: number): void {
  const { terminal } = invocation;
  const all = invocation.flag("all");
  process.stderr.cork(); // a thousand lines are one write
  try {
    for (const record of records) {
      sayRecord(terminal, record);
      if (all) sayOutput(terminal, record);
    }
  } finally {
    process.stderr.uncork();
  }
  if (all) sayTotals(terminal, records, wholeMs);
  const last = records.at(-1);
  if (last !== undefined && !all)
    terminal.say(terminal.paint("dim", `run ${last.run}; \`nightcore receipt show ${last.run}\` prints its receipt`));
}

async function writeReports({ layout }: Session, report: RunReport, { terminal }: Invocation): Promise<void> {
  const { encodeOrchestrationReport, renderDashboard } = await import("#report");
  const text = encodeOrchestrationReport(report);
  const kept = replaceReport(join(layout.logs, "orchestration_report.json"), text, (before) =>
    before.includes('"nightcore-orchestration/'),
  );
  if (kept !== undefined)
    terminal.say(`kept v39's report as ${relative(layout.root, kept)}; \`nightcore state import\` takes it in`);
  replaceFile(join(layout.logs, "nightcore_dashboard.html"), renderDashboard(report, crypto.sha256));
  const { origin, size, rootHash } = report.log;
  terminal.say(`log ${origin}, ${size} entries, root ${rootHash}`);
  terminal.say("logs/orchestration_report.json  logs/nightcore_dashboard.html");
  terminal.say("check the record: `nightcore ledger verify`; one run: `nightcore receipt show RUN`");
}
