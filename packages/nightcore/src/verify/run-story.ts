import { isJsonObject, type Json, type JsonObject } from "#core";
import type { VerifiedEntry } from "#ledger";
import { EVENT_TYPES, type EventKind, splitPassage } from "#state";
import type { NamedCheck } from "./inspection.ts";

const ORDER: readonly EventKind[] = ["admission", "verification", "decision", "intent", "outcome"];
const KIND_OF: ReadonlyMap<string, EventKind> = new Map(ORDER.map((kind) => [EVENT_TYPES[kind], kind]));

/** One event of a run: what it is, undefined for what is none of a run's; what it says; and the digests that its entry is about. */
export type Step = { readonly kind: EventKind | undefined; readonly predicate: JsonObject; readonly subjects: readonly string[] };

/** The events of a run's entries, in order: one of each, and every step of a passage. */
export function splitPassages(entries: readonly VerifiedEntry[]): readonly Step[] {
  return entries.flatMap(({ statement: { subject, predicateType, predicate } }): readonly Step[] => {
    const subjects = subject.flatMap(({ digest }) => digest["sha256"] ?? []);
    if (predicateType !== EVENT_TYPES.passage) return [{ kind: KIND_OF.get(predicateType), predicate, subjects }];
    const steps = splitPassage(predicate);
    return steps.length === 0 ? [{ kind: undefined, predicate, subjects }] : steps.map((step) => ({ ...step, subjects }));
  });
}

/** The steps of a run by kind. Their form is read with suspicion: the log's key vouches for who wrote them, not for sense. */
type Story = { readonly [kind in EventKind]?: JsonObject };

/**
 * Whether what the steps say of one run fits together: one module, in order, allowed before it ran, within what was granted.
 * Every check is made, whatever the others say.
 */
export function checkRunStory(steps: readonly Step[]): readonly NamedCheck[] {
  const story: Story = Object.fromEntries(steps.map(({ kind, predicate }) => [kind ?? "other", predicate]));
  return [
    checkOrder(steps.map(({ kind }) => kind)),
    checkModule(steps),
    checkDecision(story),
    checkPolicy(story),
    checkApproval(story),
    checkBudgets(story),
  ];
}

function checkOrder(kinds: readonly (EventKind | undefined)[]): NamedCheck {
  const name = "steps in their order";
  const places = kinds.map((kind) => (kind === undefined ? -1 : ORDER.indexOf(kind)));
  const wrong = places.findIndex((place, n) => place < 0 || (n > 0 && place <= (places[n - 1] ?? -1)));
  if (wrong >= 0)
    return { name, outcome: "failed", why: `step ${wrong + 1} is ${kinds[wrong] ?? "of an unknown kind"} and out of place` };
  return { name, outcome: "ok", why: kinds.join(", ") };
}

/** Each step names one module, in its predicate and as the subject of its entry. */
function checkModule(steps: readonly Step[]): NamedCheck {
  const name = "one module throughout";
  const digests = new Set<string>();
  for (const { predicate, subjects } of steps) {
    const { digest } = predicate;
    if (typeof digest !== "string") continue;
    digests.add(digest);
    if (subjects[0] !== digest) return { name, outcome: "failed", why: "an entry's subject is not the module that it speaks of" };
  }
  const [digest, other] = digests;
  if (other !== undefined) return { name, outcome: "failed", why: `the entries speak of ${digests.size} different modules` };
  return digest === undefined
    ? { name, outcome: "absent", why: "no module could be read" }
    : { name, outcome: "ok", why: digest };
}

function checkDecision({ decision, intent, outcome }: Story): NamedCheck {
  const name = "allowed before it ran";
  const verdict = decision?.["verdict"];
  if (decision === undefined) return { name, outcome: "failed", why: "there is no decision among the entries" };
  if (intent === undefined && outcome === undefined)
    return { name, outcome: "ok", why: `decided: ${text(verdict)}; nothing was executed` };
  return verdict === "allow"
    ? { name, outcome: "ok", why: `decided: allow, at ${text(decision["at"])}` }
    : { name, outcome: "failed", why: `it ran, and the decision is ${text(verdict)}` };
}

function checkPolicy({ decision }: Story): NamedCheck {
  const name = "policy digest";
  const policy = member(member(decision, "facts"), "policy");
  const digest = policy?.["digest"];
  if (typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest)) return { name, outcome: "ok", why: digest };
  return decision?.["verdict"] === "allow"
    ? { name, outcome: "failed", why: "it was allowed without naming a policy" }
    : { name, outcome: "absent", why: "no policy could be read" };
}

function checkApproval({ decision }: Story): NamedCheck {
  const name = "approval";
  const facts = member(decision, "facts");
  const source = facts?.["source"];
  const consent = member(decision, "consent");
  const persons = list(consent?.["persons"]).map((one) => text(one));
  const how = consent?.["breakGlass"] === true ? "break-glass by" : "approved by";
  const needed = source === "agent" || source === "import";
  if (persons.length > 0 && decision?.["verdict"] === "allow")
    return { name, outcome: "ok", why: `source ${text(source)}, ${how} ${persons.join(", ")}` };
  if (needed && decision?.["verdict"] === "allow")
    return { name, outcome: "failed", why: `source ${text(source)} needs a person's approval, and none is named` };
  return {
    name,
    outcome: "absent",
    why: needed ? `source ${text(source)}, and nobody has approved it` : `not needed for source ${text(source)}`,
  };
}

const USED_OF: Readonly<Record<string, string>> = {
  fuel: "fuel",
  memoryBytes: "memoryBytes",
  outputBytes: "outputBytes",
};

/** What was used is within what the intent gave, and that within what the decision granted; so are the capabilities. */
function checkBudgets({ decision, intent, outcome }: Story): NamedCheck {
  const name = "within the grant";
  const given = member(intent, "budgets");
  if (intent === undefined || given === undefined) return { name, outcome: "absent", why: "nothing was executed" };
  const granted = member(member(decision, "grant"), "budgets");
  const usage = member(outcome, "usage");
  for (const [budget, limit] of Object.entries(given)) {
    const allowed = granted?.[budget];
    if (typeof limit !== "number" || typeof allowed !== "number" || limit > allowed)
      return { name, outcome: "failed", why: `${budget}: ${text(limit)} was given, and ${text(allowed)} granted` };
    const used = usage?.[USED_OF[budget] ?? ""];
    if (typeof used === "number" && used > limit) return { name, outcome: "failed", why: `${budget}: ${used} used of ${limit}` };
  }
  const allowed = member(decision, "grant")?.["capabilities"];
  const over = list(intent["capabilities"]).filter((capability) => !list(allowed).includes(capability));
  if (over.length > 0) return { name, outcome: "failed", why: `given and not granted: ${over.map(text).join(", ")}` };
  const said = Object.keys(USED_OF).map((budget) => `${budget} ${text(usage?.[budget])} of ${text(given[budget])}`);
  return usage === undefined
    ? { name, outcome: "absent", why: "nobody saw the end, so nothing is known of what was used" }
    : { name, outcome: "ok", why: said.join(", ") };
}

function member(object: JsonObject | undefined, name: string): JsonObject | undefined {
  const value = object?.[name];
  return value !== undefined && isJsonObject(value) ? value : undefined;
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
