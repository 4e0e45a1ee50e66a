import { openCedarEngine } from "#cedar";
import { type Digest, parseDigest, quote } from "#core";
import type { PolicyBundle } from "#guardian";
import type { DecisionEvent } from "#state";
import { decideAgain, factsOf } from "#worker";
import { sayAssessment } from "./assessment-words.ts";
import { encodeExplanation, type Explained, sayExplanation } from "./decision-words.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readVersion } from "./policy-store.ts";
import { findRun, indexesOf, readAssessment } from "./recorded-run.ts";
import { openView, readEntry, type View } from "./session.ts";

/** Explains a recorded decision: of a run, of the newest run of some bytes, or the one that stands at an index of the log. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [asked] = positionals;
  if (asked === undefined)
    throw usageStop("what to explain is missing", "a run, the digest of a module, or the index of a decision");
  const view = await openView(invocation);
  try {
    const { event, index } = findDecision(view, asked);
    const facts = factsOf(event);
    const bundle = openBundle(view, facts.policyVersion?.digest);
    const version = facts.policyVersion?.digest;
    const engine =
      bundle === undefined || version === undefined ? undefined : openCedarEngine({ name: version, policies: bundle.policies });
    const decision = decideAgain(event, engine);
    const explained: Explained = { facts, decision, bundle, engine, rules: event.engine };
    const same = decision.verdict === event.verdict;
    const assessment = readAssessment(view, event.run);
    const said = { run: event.run, index, recorded: event.verdict, ...encodeExplanation(explained) };
    if (json) terminal.print(JSON.stringify({ ...said, assessment: assessment ?? null }));
    else sayExplanation(terminal, explained);
    if (assessment !== undefined) terminal.say("what was found about the run when it had ended:");
    sayAssessment(terminal, assessment);
    terminal.say(`entry ${index} of the log, run ${event.run}`);
    if (!same)
      terminal.say(
        `${terminal.paint("yellow", "warning")}: recorded was ${event.verdict}; made again from its facts it is ${decision.verdict}`,
      );
    return same ? EXIT.ok : EXIT.runFailed;
  } finally {
    view.close();
  }
}

function openBundle({ layout }: View, version: Digest | undefined): PolicyBundle | undefined {
  if (version === undefined) return undefined;
  const read = readVersion(layout, version);
  if (read.ok) return read.value;
  const { code, message, hint } = read.fault;
  throw new CommandStop({ code, message: `what it was decided by cannot be shown: ${message}`, hint, exit: EXIT.environment });
}

function findDecision(view: View, asked: string): { readonly event: DecisionEvent; readonly index: number } {
  for (const index of indexesToTry(view, asked)) {
    if (index >= view.reader.size) break;
    const event = readEntry(view, index).find(({ kind }) => kind === "decision");
    if (event?.kind === "decision") return { event, index };
  }
  throw new CommandStop({
    code: "state/decision-unknown",
    message: `the log has no decision for ${quote(asked)}`,
    hint: "`nightcore ledger find --kind decision` lists decisions",
    exit: EXIT.usage,
  });
}

function indexesToTry({ rows }: View, asked: string): readonly number[] {
  if (/^\d{1,7}$/.test(asked)) return [Number(asked)];
  const digest = parseDigest(asked);
  if (digest === undefined) return indexesOf(findRun(rows, asked));
  const [newest] = rows.scan("runs", { where: { digest }, orderBy: "decided_at", descending: true, limit: 1 });
  return newest === undefined ? [] : indexesOf(newest);
}
