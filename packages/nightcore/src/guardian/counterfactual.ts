import { BUDGET_NAMES, type Budgets, type Capability, type Digest, encodeTime, type KeyId, parseTime, quote } from "#core";
import { type ApprovalFacts, approvalsOf, policyVersionOf, type RecordedApproval } from "./approval-facts.ts";
import { approvalPolicyOf, isApproved } from "./approval-weighing.ts";
import { askedRun } from "./asked-run.ts";
import { decide, type PolicyEngine } from "./decision.ts";
import type { Facts } from "./facts.ts";
import { NEAR_LIMIT } from "./risk.ts";
import { weighStanding } from "./standing.ts";

const TRIED_MAX = 4096; // LIMIT: decisions made to find the smallest change: every choice among twelve that replace each other
const ODD_MAX = 2; // LIMIT: changes that are tried alone where all of them together are not enough
const DAY_MS = 86_400_000;
const NO_DIGEST = "0".repeat(64) as Digest;

/** One thing that could be otherwise, in words, and the facts with it. Applying it twice changes nothing more. */
export type Change = { readonly what: string; readonly apply: (facts: Facts) => Facts };

/**
 * What could be otherwise about a request without its being another one: who signed it, what it asks for, what people said,
 * what blocks it, and where it runs. Who wrote it and what happened before are not to be changed by anybody.
 */
export function findChanges(facts: Facts): readonly Change[] {
  return [
    ...changesOfModule(facts),
    ...changesOfManifest(facts),
    ...changesOfRequest(facts),
    ...changesOfSurroundings(facts),
    ...changesOfPeople(facts),
  ];
}

/**
 * The smallest set of changes with which it would be allowed: applying all of them is enough, and no part of them is. Empty for
 * what is allowed already; undefined when no set was found that is enough.
 */
export function findSmallestChange(facts: Facts, engine?: PolicyEngine): readonly Change[] | undefined {
  const isEnough: IsEnough = (changes) => decide(applyChanges(facts, changes), engine).verdict === "allow";
  if (facts.policy.state !== "read") return undefined;
  const all = findChanges(facts);
  if (!isEnough(all)) return findOdd(all, isEnough);
  // What all the others together do not replace is part of every set, as long as no change stands in the way of another.
  const necessary = all.filter((one) => !isEnough(all.filter((other) => other !== one)));
  const rest = all.filter((one) => !necessary.includes(one));
  let tried = 0;
  for (let size = 0; size <= rest.length && tried < TRIED_MAX; size++) {
    for (const some of choose(rest, size)) {
      const chosen = all.filter((one) => necessary.includes(one) || some.includes(one));
      if (isEnough(chosen)) return leastPart(chosen, isEnough);
      if (++tried >= TRIED_MAX) break;
    }
  }
  return leastPart(all, isEnough);
}

type IsEnough = (changes: readonly Change[]) => boolean;

/** Where everything together is not enough, one change stands in the way of another: few of them alone may do. */
function findOdd(all: readonly Change[], isEnough: IsEnough): readonly Change[] | undefined {
  for (let size = 1; size <= ODD_MAX; size++) for (const some of choose(all, size)) if (isEnough(some)) return some;
  return undefined;
}

/** The smallest part of a set that is enough: leaves out one after the other, then tries every part of what is left. */
function leastPart(changes: readonly Change[], isEnough: IsEnough): readonly Change[] {
  let kept = changes;
  for (const one of changes) {
    const without = kept.filter((other) => other !== one);
    if (isEnough(without)) kept = without;
  }
  for (let size = 0; size < kept.length; size++) for (const some of choose(kept, size)) if (isEnough(some)) return some;
  return kept;
}

/** The facts as they would be. An approval is for what is asked for then, so the changes are applied in their order. */
export function applyChanges(facts: Facts, changes: readonly Change[]): Facts {
  return changes.reduce((changed, { apply }) => apply(changed), facts);
}

/** Every way to choose so many, in order. */
function* choose<T>(all: readonly T[], size: number, from = 0): Generator<readonly T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let at = from; at <= all.length - size; at++) {
    const first = all[at];
    if (first === undefined) return;
    for (const rest of choose(all, size - 1, at + 1)) yield [first, ...rest];
  }
}

function changesOfModule({ module, signature, entry }: Facts): readonly Change[] {
  const changes: Change[] = [];
  if (!module.admitted) {
    const { digest = NO_DIGEST, sizeBytes = 0 } = module;
    const mended = { admitted: true, digest, sizeBytes, imports: [], features: [] } as const;
    changes.push({
      what: `bytes that are admitted (${module.finding.message})`,
      apply: (facts) => ({ ...facts, module: mended }),
    });
  }
  if (!signature.trusted || !signature.manifestSigned) {
    const signer = signature.trusted ? signature : { keyId: NO_DIGEST as string as KeyId, keyName: "a trusted key" };
    const signed = { ...signer, trusted: true, form: "dsse", manifestSigned: true } as const;
    const what = signature.trusted
      ? "the manifest signed together with the module"
      : "a signature over module and manifest by a key that is trusted for this tenant";
    changes.push({ what, apply: (facts) => ({ ...facts, signature: signed }) });
  }
  if (!entry.present)
    changes.push({
      what: "an entry that the module exports as a function",
      apply: (facts) => ({ ...facts, entry: { ...facts.entry, present: true } }),
    });
  return changes;
}

function changesOfManifest({ manifest, tenant }: Facts): readonly Change[] {
  if (manifest.state !== "read") {
    const empty = {
      state: "read",
      digest: NO_DIGEST,
      form: "nightcore/v1",
      tenant: undefined,
      capabilities: [],
      budgets: {},
    } as const;
    const what = manifest.state === "absent" ? "a manifest" : `a manifest that can be read (${manifest.finding.message})`;
    return [{ what, apply: (facts) => ({ ...facts, manifest: empty }) }];
  }
  if (manifest.tenant === undefined || manifest.tenant === tenant) return [];
  return [{ what: `a manifest for the tenant ${quote(tenant)}`, apply: (facts) => changeManifest(facts, { tenant }) }];
}

type ReadManifest = Extract<Facts["manifest"], { readonly state: "read" }>;

function changeManifest(facts: Facts, change: Partial<ReadManifest>): Facts {
  return facts.manifest.state === "read" ? { ...facts, manifest: { ...facts.manifest, ...change } } : facts;
}

function changesOfRequest(facts: Facts): readonly Change[] {
  const { manifest, operatorGrants, policy, mode } = facts;
  const stated = manifest.state === "read" ? manifest.capabilities : [];
  const without = (capability: Capability): Change => ({
    what: `without the capability ${quote(capability)}`,
    apply: (before) => {
      const kept = { ...before, operatorGrants: before.operatorGrants.filter((one) => one !== capability) };
      if (kept.manifest.state !== "read") return kept;
      return changeManifest(kept, { capabilities: kept.manifest.capabilities.filter((one) => one !== capability) });
    },
  });
  const changes = [...new Set([...stated, ...operatorGrants])].map(without);
  if (policy.state !== "read") return changes;
  if (mode === "proof" && !policy.policy.allowProofMode)
    changes.push({ what: "a run, and not a proof", apply: (before) => ({ ...before, mode: "run" }) });
  if (manifest.state !== "read") return changes;
  const { limits } = policy.policy;
  for (const name of BUDGET_NAMES) {
    const asked = manifest.budgets[name];
    if (asked === undefined || asked < limits[name] * NEAR_LIMIT) continue;
    // Over the limit: down to it. Within nine tenths, which adds to the risk: out of them.
    const most = asked > limits[name] ? limits[name] : Math.max(1, Math.ceil(limits[name] * NEAR_LIMIT) - 1);
    changes.push(lowerBudget(name, most));
  }
  return changes;
}

function lowerBudget(name: keyof Budgets, most: number): Change {
  return {
    what: `at most ${most} of the budget ${quote(name)}`,
    apply: (before) => {
      if (before.manifest.state !== "read") return before;
      const asked = before.manifest.budgets[name] ?? most;
      return changeManifest(before, { budgets: { ...before.manifest.budgets, [name]: Math.min(asked, most) } });
    },
  };
}

function changesOfSurroundings({ policy, backend, isolation, mounts }: Facts): readonly Change[] {
  const changes: Change[] = [];
  const required = policy.state === "read" ? policy.policy.requireIsolation : [];
  const layers = [...new Set([...required, "bubblewrap", "seccomp"])].filter((layer) => !isolation.includes(layer));
  if (layers.length > 0)
    changes.push({
      what: `a sandbox with ${layers.join(", ")}`,
      apply: (facts) => ({ ...facts, isolation: [...facts.isolation, ...layers] }),
    });
  const other = policy.state === "read" && !policy.policy.backends.includes(backend) ? policy.policy.backends[0] : undefined;
  if (other !== undefined)
    changes.push({ what: `the backend ${quote(other)}`, apply: (facts) => ({ ...facts, backend: other }) });
  if (mounts?.state === "refused") {
    const what = `a folder that can be shown (${mounts.finding.message})`;
    changes.push({ what, apply: (facts) => ({ ...facts, mounts: { state: "captured", files: 0, bytes: 0 } }) });
  }
  return changes;
}

function changesOfPeople(facts: Facts): readonly Change[] {
  const changes: Change[] = [];
  for (const block of facts.blocks ?? []) {
    const what = `the block ${block.id} released (${block.kind}: ${quote(block.reason)})`;
    changes.push({ what, apply: (before) => ({ ...before, blocks: (before.blocks ?? []).filter(({ id }) => id !== block.id) }) });
  }
  if (facts.quarantine !== undefined)
    changes.push({ what: "these bytes released from quarantine", apply: (before) => ({ ...before, quarantine: undefined }) });
  const { points } = weighStanding(facts);
  if (points > 0)
    changes.push({
      what: `nothing left of the ${points} points that earlier runs have given`,
      apply: withoutStanding,
    });
  // What no policy is in force for cannot be approved: an approval is bound to its version.
  if (facts.policy.state === "read" && !isApproved(facts))
    changes.push({ what: `an approval of exactly this by ${describePlaces(facts)}`, apply: approve });
  return changes;
}

function withoutStanding(facts: Facts): Facts {
  const { standing: _earlier, ...rest } = facts;
  return rest;
}

function describePlaces(facts: Facts): string {
  const { require } = approvalPolicyOf(facts);
  return require
    .map(({ role, count }) => `${count} ${count === 1 ? "person" : "persons"} in the role ${quote(role)}`)
    .join(" and ");
}

/** The facts as if everybody who is needed had just approved what is asked for, and nothing anybody said stood against it. */
function approve(facts: Facts): Facts {
  const { require } = approvalPolicyOf(facts);
  const roles = require.flatMap(({ role, count }) => Array.from({ length: count }, () => role));
  const approvals: ApprovalFacts = {
    ...approvalsOf(facts),
    given: roles.map((role, n) => imagineApproval(facts, role, n)),
    rejected: undefined,
    openReviews: [],
    ...(approvalsOf(facts).submitted === false ? { submitted: true } : {}),
  };
  return { ...facts, approvals };
}

function imagineApproval(facts: Facts, role: string, n: number): RecordedApproval {
  const { module, tenant, at } = facts;
  const { entry, capabilities, budgets } = askedRun(facts);
  const id = n.toString(16).padStart(64, "f") as Digest & KeyId;
  return {
    id,
    index: Number.MAX_SAFE_INTEGER,
    recordedAt: at,
    statement: {
      ...{ act: "approval", log: approvalsOf(facts).log, tenant, digest: module.digest ?? id, entry, capabilities, budgets },
      ...{ policy: policyVersionOf(facts) ?? id, keyId: id, givenAt: at, comment: "imagined" },
      expires: encodeTime((parseTime(at) ?? 0) + DAY_MS),
    },
    finding: undefined,
    person: `nobody in particular ${n}`,
    standings: [{ role, finding: undefined }],
    revoked: undefined,
    seenLater: undefined,
  };
}
