import { BUDGET_NAMES, escapeControls, type Json, quote } from "#core";
import {
  askedRun,
  type Decision,
  type Facts,
  findSmallestChange,
  isApproved,
  measureDistance,
  type PolicyBundle,
  type PolicyEngine,
  type Verdict,
} from "#guardian";
import { shortKey } from "#trust";
import { count } from "./run-words.ts";
import type { Colour, Terminal } from "./terminal.ts";

const COLOURS: Readonly<Record<Verdict, Colour>> = { allow: "green", hold: "yellow", deny: "red", quarantine: "red" };

/** A decision with everything that explains it. */
export type Explained = {
  readonly facts: Facts;
  readonly decision: Decision;
  readonly bundle: PolicyBundle | undefined;
  readonly engine: PolicyEngine | undefined;
  readonly rules: string;
};

/** What a decision and its surroundings amount to, for a program. */
export function encodeExplanation({ facts, decision, engine, rules }: Explained): { readonly [name: string]: Json } {
  const changes = findSmallestChange(facts, engine)?.map(({ what }) => what);
  const distance = measureDistance(facts, decision, engine);
  const said = { ...decision, rules, distance, smallestChange: changes ?? null, facts };
  return JSON.parse(JSON.stringify(said)) as { readonly [name: string]: Json };
}

/** Says in words which policies and facts made a decision, how near it was to another, and what would have been allowed. */
export function sayExplanation(terminal: Terminal, explained: Explained): void {
  const { facts, decision } = explained;
  const { verdict, risk } = decision;
  const say = (title: string, lines: readonly string[]) => {
    if (lines.length === 0) return;
    terminal.print(terminal.paint("bold", title));
    for (const line of lines) terminal.print(`  ${line}`);
  };
  const of = facts.module.digest === undefined ? "" : `, module ${facts.module.digest.slice(0, 16)}`;
  terminal.print(`${terminal.paint(COLOURS[verdict], verdict)}  ${quote(facts.tenant)}${of}, at ${facts.at}`);
  say(
    "against it",
    decision.reasons.flatMap((reason) => describeReason(reason)),
  );
  say(
    "permitted by",
    decision.permits.map((id) => describePolicy(explained.bundle, id)),
  );
  say(
    `risk ${risk.score} of 100: ${risk.band}`,
    risk.contributions.map(({ name, points, evidence }) => `${String(points).padStart(3)}  ${name}: ${escapeControls(evidence)}`),
  );
  say("how near it was", describeDistance(explained));
  say("facts", describeFacts(facts));
  say("decided by", [explained.rules, describeVersion(facts)]);
  if (verdict !== "allow") say("the smallest change that would be allowed", describeChange(explained));
}

function describeReason({ verdict, code, policy, message, hint }: Decision["reasons"][number]): readonly string[] {
  const by = policy === undefined ? "" : `policy ${quote(policy)}: `;
  const line = `${verdict.padEnd(10)}  ${by}${escapeControls(message)} [${code}]`;
  return hint === undefined ? [line] : [line, `            hint: ${escapeControls(hint)}`];
}

function describePolicy(bundle: PolicyBundle | undefined, id: string): string {
  const policy = bundle?.policies.find((one) => one.id === id);
  return policy?.reason === undefined ? quote(id) : `${quote(id)}: ${escapeControls(policy.reason)}`;
}

function describeDistance({ facts, decision, engine }: Explained): readonly string[] {
  const { risk, verdict, reasons } = decision;
  const { above, below } = measureDistance(facts, decision, engine);
  const lines: string[] = [];
  if (above !== undefined) lines.push(`${above.score - risk.score} more points of risk, and it is ${nameVerdict(above.verdict)}`);
  if (below !== undefined)
    lines.push(`${risk.score - below.score} fewer points of risk, and it is ${nameVerdict(below.verdict)}`);
  if (lines.length === 0)
    lines.push(verdict === "allow" ? "no score would change it" : "no lower score would change it: it is not about the risk");
  if (reasons.length > 1) lines.push(`${reasons.length} reasons stand against it, and each alone is enough`);
  return lines;
}

function nameVerdict(verdict: Verdict): string {
  return { allow: "allowed", hold: "held for a person", deny: "denied", quarantine: "put in quarantine" }[verdict];
}

function describeFacts(facts: Facts): readonly string[] {
  const { signature, history, manifest, source, policy } = facts;
  const asked = askedRun(facts);
  const limits = policy.state === "read" ? policy.policy.limits : undefined;
  const budgets = BUDGET_NAMES.map(
    (name) => `${name} ${count(asked.budgets[name])}${limits === undefined ? "" : ` of ${count(limits[name])}`}`,
  );
  const signed = signature.trusted
    ? `signed by ${quote(signature.keyName)} (${shortKey(signature.keyId)})${signature.manifestSigned ? ", with the manifest" : ", without the manifest"}`
    : `not verified: ${escapeControls(signature.finding.message)}`;
  const { digestRuns = 0, digestFailures = 0 } = history;
  const seen =
    history.firstSeenAt === undefined
      ? "these bytes were never seen here before"
      : `these bytes were first seen at ${history.firstSeenAt}; ${digestRuns} executions, ${digestFailures} failed`;
  return [
    signed,
    `source ${source}; ${isApproved(facts) ? "approved by persons" : "no approval that holds"}`,
    seen,
    manifest.state === "read"
      ? `asks for ${asked.capabilities.join(", ") || "no capabilities"}; ${budgets.join(", ")}`
      : `manifest ${manifest.state}`,
    `${facts.mode} on ${facts.backend}, isolated by ${facts.isolation.join(", ") || "nothing"}`,
  ];
}

function describeVersion({ policyVersion }: Facts): string {
  return policyVersion === undefined
    ? "no version of the policies"
    : `version ${policyVersion.number} of the policies, ${policyVersion.digest}`;
}

function describeChange({ facts, engine }: Explained): readonly string[] {
  const changes = findSmallestChange(facts, engine);
  if (changes === undefined) return ["none: nothing that can be changed about this request would be enough"];
  return changes.map(({ what }) => `- ${escapeControls(what)}`);
}
