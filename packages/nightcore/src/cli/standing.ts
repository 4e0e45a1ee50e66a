import {
  decayStanding,
  type Digest,
  encodeTime,
  escapeControls,
  type Measure,
  MEASURES,
  parseDigest,
  quote,
  STANDING_POINTS_MAX,
  STRIKE_KINDS,
  type StrikeKind,
  type Strikes,
} from "#core";
import { BASE_ASSESSMENT, type ContainmentPolicy, type Spread, spreadOf } from "#guardian";
import { explainLedgerFault, type LedgerReader } from "#ports";
import {
  type AssessmentEvent,
  type Event,
  type Evidence,
  readEvidence,
  readSamples,
  readStandingPoints,
  readStrikes,
  type Rows,
  type StandingSubject,
} from "#state";
import { assessAgain, type PolicyShelf } from "#worker";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { openPolicies } from "./policy-store.ts";
import { count } from "./run-words.ts";
import { openEntry, openView, type View } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** What runs left behind of a tenant or a module, as it stands now. */
type Standing = {
  readonly subject: StandingSubject;
  /** When the newest finding was made; null: there never was one. */
  readonly at: string | null;
  readonly points: number;
  /** How many runs there are to compare with, and what they used in the middle. */
  readonly runs: number;
  readonly usual: Readonly<Record<Measure, Spread>> | undefined;
  readonly strikes: readonly Counted[];
  readonly findings: readonly Evidence[];
};

/** What counts towards containing one module under one tenant, and what the policy in force contains at. */
type Counted = {
  readonly tenant: string;
  readonly digest: Digest;
  readonly strikes: Strikes;
  readonly contain: ContainmentPolicy;
};

/** Shows who has a standing risk and what for: all of them in a list, or one tenant or module in full. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [asked] = positionals;
  if (positionals.length > 1) throw usageStop("one TENANT or SHA256 is enough", "without one, all are listed");
  const view = await openView(invocation);
  try {
    if (invocation.flag("again")) return tellAgain(invocation, view);
    const now = encodeTime(Date.now());
    const subjects = asked === undefined ? listSubjects(view.rows) : [parseSubject(asked, view.rows)];
    const { shelf } = openPolicies(view.layout, view.rows);
    const standings = subjects.map((subject) => readStanding(subject, { rows: view.rows, shelf, now }));
    const sorted = standings.toSorted((a, b) => b.points - a.points);
    if (json) terminal.print(JSON.stringify({ at: now, standings: sorted }));
    else if (asked === undefined) for (const standing of sorted) terminal.print(describeShortly(standing));
    else for (const line of standings.flatMap(describe)) terminal.print(line);
    if (!json && sorted.length === 0) terminal.say("no run was ever found unusual");
  } finally {
    view.close();
  }
  return EXIT.ok;
}

/** What does not follow from the log, if anything does not. */
function tellAgain({ terminal, json }: Invocation, { reader, publicKey }: View): number {
  const { runs, unusual, differences } = assessAgain(openEvents(reader, publicKey));
  if (json) terminal.print(JSON.stringify({ runs, unusual, differences }));
  else {
    for (const { index, run, recorded, follows } of differences)
      terminal.print(`entry ${index}  run ${run}  recorded: ${codesOf(recorded)}  follows: ${codesOf(follows)}`);
  }
  terminal.say(`${runs} runs assessed again, ${unusual} of them unusual: ${differences.length} come out differently`);
  return differences.length > 0 ? EXIT.verificationFailed : EXIT.ok;
}

function codesOf(assessment: AssessmentEvent | null): string {
  return assessment === null ? "nothing" : assessment.findings.map(({ code }) => escapeControls(code)).join(", ");
}

/** Every entry of the log in its order, its signature checked; undefined for what this version does not know. */
function* openEvents(reader: LedgerReader, publicKey: Uint8Array): Generator<Event | undefined> {
  let index = 0;
  for (const entry of reader.entries(0, reader.size)) yield unwrap(openEntry(entry, index++, publicKey), explainLedgerFault);
}

function listSubjects(rows: Rows): readonly StandingSubject[] {
  return rows.scan("standing", {}).flatMap(({ tenant, digest, at }): readonly StandingSubject[] => {
    if (at === null) return [];
    return [tenant === null ? { digest: String(digest) as Digest } : { tenant: String(tenant) }];
  });
}

function parseSubject(asked: string, rows: Rows): StandingSubject {
  const digest = parseDigest(asked);
  const known = digest === undefined ? rows.get("tenants", asked) : rows.get("modules", digest);
  if (known !== undefined) return digest === undefined ? { tenant: asked } : { digest };
  throw new CommandStop({
    code: digest === undefined ? "state/tenant-unknown" : "state/digest-unknown",
    message: `the log knows no ${digest === undefined ? "tenant" : "module"} ${quote(asked)}`,
    hint: "give the name of a tenant, or the whole SHA-256 of a module",
    exit: EXIT.usage,
  });
}

type Surroundings = { readonly rows: Rows; readonly shelf: PolicyShelf; readonly now: string };

function readStanding(subject: StandingSubject, { rows, shelf, now }: Surroundings): Standing {
  const left = readStandingPoints(rows, subject);
  const samples = subject.tenant === undefined ? [] : readSamples(rows, subject.tenant);
  const { tenant, digest } = subject;
  const pairs = rows.scan("standing", { where: tenant === undefined ? { digest: digest ?? null } : { tenant } });
  return {
    subject,
    at: left?.at ?? null,
    points: left === undefined ? 0 : decayStanding(left, now),
    runs: samples.length,
    usual: samples.length === 0 ? undefined : spreads(samples),
    strikes: pairs.flatMap((row) => {
      if (typeof row["tenant"] !== "string" || typeof row["digest"] !== "string") return [];
      const of = { tenant: row["tenant"], digest: row["digest"] as Digest };
      const policy = shelf.policyOf(of.tenant);
      const stated = policy.state === "read" ? policy.policy.assessment : undefined;
      return [{ ...of, strikes: readStrikes(rows, of.tenant, of.digest), contain: (stated ?? BASE_ASSESSMENT).contain }];
    }),
    findings: readEvidence(rows, subject).toReversed(),
  };
}

function spreads(samples: readonly Readonly<Record<Measure, number>>[]): Readonly<Record<Measure, Spread>> {
  const of = (measure: Measure) => spreadOf(samples.map((sample) => sample[measure]));
  return Object.fromEntries(MEASURES.map((measure) => [measure, of(measure)])) as Record<Measure, Spread>;
}

function name({ tenant, digest }: StandingSubject): string {
  return tenant === undefined ? `module ${digest?.slice(0, 16)}` : `tenant ${escapeControls(tenant)}`;
}

function describeShortly({ subject, points, at, findings }: Standing): string {
  const newest = findings[0] === undefined ? "" : `  ${escapeControls(findings[0].message)}`;
  return `${String(points).padStart(3)} points  ${name(subject)}  ${at ?? ""}${newest}`;
}

function describe({ subject, points, at, runs, usual, strikes, findings }: Standing): readonly string[] {
  const since = at === null ? "no run was ever found unusual" : `the newest finding is of ${at}`;
  const middle = Object.entries(usual ?? {}).map(
    ([measure, { median, deviation }]) =>
      `    ${measure.padEnd(12)} ${count(Math.round(median))} (${count(Math.round(deviation))})`,
  );
  const found = findings.map(
    (one) => `    ${one.at}  +${one.points}  ${escapeControls(one.message)} [${one.code}] run ${one.run}`,
  );
  return [
    `${name(subject)}: ${points} of ${STANDING_POINTS_MAX} points; ${since}`,
    ...(middle.length === 0 ? [] : [`  its last ${runs} runs that came to their end used in the middle (deviation)`, ...middle]),
    ...strikes.flatMap(describeStrikes),
    ...(found.length === 0 ? [] : ["  findings, the newest first", ...found]),
  ];
}

const STRIKE_WORDS: Readonly<Record<StrikeKind, string>> = {
  faults: "faults in a row",
  escapes: "escapes",
  badPointers: "bad pointers",
};

function describeStrikes({ tenant, digest, strikes, contain }: Counted): readonly string[] {
  const counted = STRIKE_KINDS.map((kind) => {
    const seen = strikes[kind].reduce((sum, [, times]) => sum + times, 0);
    return `${seen} ${STRIKE_WORDS[kind]} (${contain[kind] === 0 ? "never contains" : `contains at ${contain[kind]}`})`;
  });
  return [
    `  module ${digest.slice(0, 16)} under ${escapeControls(tenant)}, of which the last ${contain.withinHours} hours count`,
    `    ${counted.join(", ")}`,
  ];
}
