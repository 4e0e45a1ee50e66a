import { decide, type Decision, type Facts, type PolicyEngine, type Verdict } from "#guardian";
import type { DecisionEvent } from "#state";
import type { PolicyShelf } from "./policy-shelf.ts";

/** A version of the policies that decides: its limits, and the engine of its Cedar policies. */
export type Deciding = { readonly shelf: PolicyShelf; readonly engine: PolicyEngine | undefined };

/** The facts of a recorded decision. The log is ours and was verified: they are what this software wrote. */
export function factsOf({ facts }: Pick<DecisionEvent, "facts">): Facts {
  return facts as unknown as Facts;
}

/** Makes a recorded decision again, from its own facts. `engine`: that of the version which it was made under. */
export function decideAgain(event: Pick<DecisionEvent, "facts">, engine: PolicyEngine | undefined): Decision {
  return decide(factsOf(event), engine);
}

/** What another version would have decided about the same facts. Approvals are bound to a version, and count as they would then. */
export function decideUnder(facts: Facts, { shelf, engine }: Deciding): Decision {
  const { policyVersion: _, ...rest } = facts;
  const version = shelf.version;
  return decide(
    { ...rest, policy: shelf.policyOf(facts.tenant), ...(version === undefined ? {} : { policyVersion: version }) },
    engine,
  );
}

/** A decision that would have been another one. */
export type Flip = {
  readonly index: number;
  readonly run: string;
  readonly at: string;
  readonly tenant: string;
  /** The name of the key that signed, or nothing where none is trusted. */
  readonly signer: string | undefined;
  readonly before: Verdict;
  readonly after: Verdict;
  /** What makes the difference, worst first: ids of policies, or codes of rules. */
  readonly by: readonly string[];
};

/** How a recorded decision would have come out; undefined when as it did. */
export function findFlip(
  { index, event }: { readonly index: number; readonly event: DecisionEvent },
  after: {
    readonly verdict: Verdict;
    readonly reasons: DecisionEvent["reasons"] | NonNullable<DecisionEvent["trial"]>["reasons"];
  },
): Flip | undefined {
  if (after.verdict === event.verdict) return undefined;
  const { signature } = factsOf(event);
  const names = (reasons: readonly { readonly code: string; readonly policy?: string }[]) => [
    ...new Set(reasons.map(({ code, policy }) => policy ?? code)),
  ];
  const [was, would] = [names(event.reasons), names(after.reasons ?? [])];
  // What is new stands in the way now; where nothing is new, what is gone stood there before.
  const fresh = would.filter((name) => !was.includes(name));
  const gone = was.filter((name) => !would.includes(name));
  return {
    ...{ index, run: event.run, at: event.at, tenant: event.tenant },
    signer: signature.trusted ? signature.keyName : undefined,
    before: event.verdict,
    after: after.verdict,
    by: fresh.length > 0 ? fresh : gone,
  };
}

/** How many flips there are of each kind, by each of the names: the most first. */
export function countFlips(
  flips: readonly Flip[],
  namesOf: (flip: Flip) => readonly string[],
): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const flip of flips) for (const name of namesOf(flip)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}
