import { resolve } from "node:path";
import { openCedarEngine } from "#cedar";
import { type Digest, digestOf, quote, utf8 } from "#core";
import type { PolicyBundle, PolicyEngine } from "#guardian";
import { sha256 } from "#store/keys";
import { countFlips, decideAgain, decideUnder, type Deciding, factsOf, findFlip, type Flip } from "#worker";
import { EXIT, type Invocation } from "./invocation.ts";
import { bundleFiles, openDeciding, readPolicyFiles, readVersion, unwrapBundle } from "./policy-store.ts";
import { filesInForce, findVersion, openVersion } from "./policy-words.ts";
import { readDecisions, type RecordedDecision } from "./recorded-decisions.ts";
import { openReader, openView, type Session, type View } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { readSinceOption } from "./time-option.ts";

const PROPOSED_OVER = 10_000; // LIMIT: decisions that a proposal is tried on, some seconds; `policy simulate` takes all
const FLIPS_SHOWN = 20; // LIMIT: lines for a person; `--json` has all of them

/** How history would have gone: every decision that would have been another one, and how many were made again. */
export type Simulation = { readonly decisions: number; readonly flips: readonly Flip[] };

/**
 * Decides the history again: under a candidate, or, without one, each decision under the version that it was made under, which
 * must come out the same. Nothing is recorded and nothing is enforced.
 */
export async function run(invocation: Invocation): Promise<number> {
  const { root, terminal, json } = invocation;
  const path = invocation.text("candidate");
  const view = await openView(invocation);
  try {
    const since = readSinceOption(invocation, "since");
    const decisions = readDecisions(view, { since });
    const candidate =
      path === undefined ? undefined : readCandidate(view, invocation, /^\d+$/.test(path) ? path : resolve(root, path));
    const simulation = candidate === undefined ? decideAllAgain(view, decisions) : simulate(decisions, openCandidate(candidate));
    const { flips, decisions: count } = simulation;
    if (json) terminal.print(JSON.stringify({ since: since ?? null, decisions: count, flips }));
    const under = path === undefined ? "the versions that they were made under" : quote(path);
    terminal.say(`${count} recorded decisions, made again under ${under}: ${flips.length} come out differently`);
    if (!json) tellFlips(terminal, flips);
    return path === undefined && flips.length > 0 ? EXIT.runFailed : EXIT.ok;
  } finally {
    view.close();
  }
}

/** A candidate that a person names: a version by its number, a folder with all files, or one file over those in force. */
function readCandidate(view: View, invocation: Invocation, path: string): PolicyBundle {
  if (/^\d+$/.test(path)) return openVersion(view, findVersion(view.rows, path));
  return unwrapBundle(invocation, bundleFiles(readPolicyFiles(path, filesInForce(view))));
}

/** What decides as a candidate would if it were in force. It has no number yet. */
export function openCandidate(bundle: PolicyBundle): Deciding {
  const digest = digestOf(sha256, utf8(JSON.stringify(bundle)));
  return openDeciding({ number: 0, version: digest }, bundle);
}

/** Decides again what was decided, under a candidate. */
export function simulate(decisions: Iterable<RecordedDecision>, candidate: Deciding): Simulation {
  return decideAll(decisions, ({ event }) => decideUnder(factsOf(event), candidate));
}

/** What a candidate would have made of the newest decisions of a session's log. */
export function simulateOn(session: Session, candidate: PolicyBundle): Simulation {
  const { rows, publicKey } = session;
  const reader = openReader(session);
  try {
    return simulate(readDecisions({ rows, reader, publicKey }, { latest: PROPOSED_OVER }), openCandidate(candidate));
  } finally {
    reader.close();
  }
}

/** Decides each again under the version that was in force for it. A version whose bytes are gone decided by what nobody can show. */
function decideAllAgain({ layout }: View, decisions: Iterable<RecordedDecision>): Simulation {
  const engines = new Map<string, PolicyEngine | undefined>();
  const engineOf = (version: Digest | undefined) => {
    if (version === undefined) return undefined;
    if (!engines.has(version)) {
      const bundle = readVersion(layout, version);
      engines.set(version, bundle.ok ? openCedarEngine({ name: version, policies: bundle.value.policies }) : undefined);
    }
    return engines.get(version);
  };
  return decideAll(decisions, ({ event }) => {
    return decideAgain(event, engineOf(factsOf(event).policyVersion?.digest));
  });
}

function decideAll(
  decisions: Iterable<RecordedDecision>,
  decideOne: (decision: RecordedDecision) => ReturnType<typeof decideAgain>,
): Simulation {
  const flips: Flip[] = [];
  let count = 0;
  for (const decision of decisions) {
    const flip = findFlip(decision, decideOne(decision));
    if (flip !== undefined) flips.push(flip);
    count++;
  }
  return { decisions: count, flips };
}

/** Says flips to a person: how many of which kind, by what, and the first of them. */
export function tellFlips(terminal: Terminal, flips: readonly Flip[]): void {
  if (flips.length === 0) return;
  const kinds: readonly (readonly [title: string, (flip: Flip) => readonly string[]])[] = [
    ["by verdict", ({ before, after }) => [`${before} → ${after}`]],
    ["by policy or rule", ({ by }) => by],
    ["by tenant", ({ tenant }) => [tenant]],
    ["by signer", ({ signer }) => [signer ?? "(nobody who is trusted)"]],
  ];
  for (const [title, namesOf] of kinds) {
    const counts = countFlips(flips, namesOf).slice(0, FLIPS_SHOWN);
    terminal.print(`${title}: ${counts.map(([name, count]) => `${quote(name)} ${count}`).join(", ")}`);
  }
  for (const { run, tenant, before, after, by } of flips.slice(0, FLIPS_SHOWN))
    terminal.print(`  ${run}  ${quote(tenant)}  ${before} → ${after}  ${by.map((one) => quote(one)).join(", ")}`);
  if (flips.length > FLIPS_SHOWN) terminal.print(`  and ${flips.length - FLIPS_SHOWN} more; \`--json\` lists all`);
}
