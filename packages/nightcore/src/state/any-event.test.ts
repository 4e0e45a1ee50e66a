import fc from "fast-check";
import {
  ACKNOWLEDGEMENT_LEVELS,
  BLOCK_CAUSES,
  type Budgets,
  CAPABILITIES,
  type Digest,
  type RunId,
  STRIKE_KINDS,
  UNREACHED,
} from "#core";
import { type Event, type EventKind, joinSteps } from "#state";

// Events as the log may hold them, of every kind and in any order: also an outcome without its intent, which no writer of ours
// makes. A pool of few runs, tenants and digests, so that entries meet in the same rows.

const digest = fc.integer({ min: 0, max: 5 }).map((n) => `${n}`.repeat(64) as Digest);
const at = fc.integer({ min: 0, max: 9 }).map((n) => `2026-01-0${n}T00:00:00.000Z`);
const text = fc.constantFrom("", "hello", "<script>", "ä\u0000ö", "\ud800", "'; DROP TABLE runs; --");
const said = fc.record({ code: fc.constantFrom("wasm/bad", "engine/fuel"), message: text });
const finding = fc.option(said);
const flag = fc.boolean();
const count = fc.nat(1_000_000);
const ofRun = {
  run: fc.integer({ min: 0, max: 9 }).map((n) => `run-${n}` as RunId),
  tenant: fc.constantFrom("a", "b", "<script>"),
  at,
};
const bytes = fc.record({ digest, bytes: count });
const budgets: Budgets = { wallMs: 1, memoryBytes: 2, fuel: 3, outputBytes: 4 };
// Not a whole number, and whole ones that JSON writes in another way than SQLite keeps them.
const wallMs = fc.constantFrom(0, 1.5, 2, 0.1 + 0.2, 1e21);
const usage = fc.record({ wallMs, fuel: count, memoryBytes: count, outputBytes: count, hostCalls: count });

const actor = fc.record({ account: text, keyId: fc.option(text), person: fc.option(text), envelope: fc.constant(null) });
const ofTenant = { at, tenant: ofRun.tenant, digest };

type Arbitraries = { readonly [Kind in EventKind]: fc.Arbitrary<Omit<Extract<Event, { readonly kind: Kind }>, "kind">> };

const STEPS: Pick<Arbitraries, "admission" | "verification" | "decision" | "intent"> = {
  admission: fc.record({
    ...ofRun,
    digest: fc.option(digest),
    sizeBytes: fc.option(count),
    admitted: flag,
    finding,
    shape: fc.constant(null),
  }),
  verification: fc.record({
    ...ofRun,
    digest: fc.option(digest),
    trusted: flag,
    keyId: fc.option(fc.constantFrom("k", "l")),
    form: fc.option(fc.constantFrom("dsse", "v39")),
    manifestSigned: flag,
    finding,
    trustStore: digest,
  }),
  decision: fc
    .tuple(
      fc.record({
        ...ofRun,
        digest: fc.option(digest),
        mode: fc.constantFrom("run", "proof"),
        verdict: fc.constantFrom("allow", "hold", "deny", "quarantine"),
        reasons: fc.array(
          said.map((one) => ({ ...one, verdict: "deny" })),
          { maxLength: 2 },
        ),
        grant: fc.constant(null),
        facts: fc.option(digest.map((version) => ({ policyVersion: { number: 1, digest: version } }))),
        engine: text,
      }),
      // Two questions that share a row, and others.
      fc.record({ question: fc.constantFrom("0".repeat(64), `${"0".repeat(63)}1`, "1".repeat(64)) }, { requiredKeys: [] }),
      fc.record({ answeredBy: fc.nat(20) }, { requiredKeys: [] }),
    )
    .map(([decision, asked, answered]) => ({ ...decision, ...(asked as { question?: Digest }), ...answered })),
  intent: fc.record({
    ...ofRun,
    digest,
    entry: text,
    numericArgs: fc.array(text, { maxLength: 2 }),
    argv: fc.array(text, { maxLength: 2 }),
    env: fc.array(text, { maxLength: 2 }),
    stdin: bytes,
    mounts: fc.array(
      fc.record({
        guestPath: text,
        digest,
        files: count,
        bytes: count,
        listing: fc.option(fc.constant<readonly string[]>([`file "a" ${"7".repeat(64)}`, 'folder "b"']), { nil: null }),
      }),
      { maxLength: 1 },
    ),
    capabilities: fc.subarray([...CAPABILITIES]),
    budgets: fc.constant(budgets),
    seed: text,
    engine: text,
    isolation: fc.array(text, { maxLength: 1 }),
  }),
};

/** One for each kind: a kind that is added and has none here does not compile. */
const ARBITRARIES: Arbitraries = {
  // First, so that the blocks that a release names come before it where the kinds follow each other.
  block: fc.record({
    at,
    targets: fc.array(
      fc.oneof(
        digest.map((target) => ({ kind: "digest", target }) as const),
        fc.constantFrom(
          { kind: "tenant", target: "a" },
          { kind: "everything", target: "" },
          { kind: "imports", target: '["a.b"]' },
        ),
      ),
      { maxLength: 3 },
    ),
    reason: text,
    cause: fc.constantFrom(...BLOCK_CAUSES),
    causedBy: fc.option(fc.constantFrom("k", "l")),
    run: fc.option(ofRun.run),
    order: fc.option(fc.constantFrom("order-1", "order-2")),
  }),
  workspace: fc.record({ at, origin: text, logKey: text, software: text }),
  trust: fc.record({
    at,
    change: fc.constantFrom("key-trusted", "key-revoked"),
    record: fc.constantFrom(null, { keyId: "k" }, { keyId: 3 }),
    store: digest,
  }),
  ...STEPS,
  passage: fc
    .tuple(STEPS.admission, STEPS.verification, STEPS.decision, fc.option(STEPS.intent, { nil: undefined }))
    .map(([admission, verification, decision, intent]) =>
      joinSteps({
        admission: { kind: "admission", ...admission },
        verification: { kind: "verification", ...verification },
        decision: { kind: "decision", ...decision },
        intent: intent === undefined ? undefined : { kind: "intent", ...intent },
      }),
    ),
  outcome: fc
    .tuple(
      fc.record({
        ...ofRun,
        digest,
        status: fc.constantFrom("ran", "failed"),
        exitCode: fc.option(fc.integer({ min: 0, max: 255 })),
        fault: finding,
        results: fc.array(text, { maxLength: 1 }),
        stdout: fc.option(bytes),
        stderr: fc.option(bytes),
        usage: fc.option(usage),
      }),
      fc.record(
        {
          assessed: fc.record({ rules: text, entries: count }),
          stdin: fc.record({ digest, bytes: count, pieces: digest }),
          hostCallTrace: bytes,
          refusals: fc.record({ deniedCalls: count, escapes: count, badPointers: count }),
        },
        { requiredKeys: [] },
      ),
    )
    .map(([outcome, more]) => ({ ...outcome, ...more })),
  quarantine: fc.record({ at, digest, reason: text }),
  release: fc.nat(20).chain((entry) =>
    fc.record({
      at,
      entry: fc.constant(entry),
      blocks: fc.subarray([`${entry}.0`, `${entry}.1`]),
      state: fc.constantFrom("consented", "released", "refused"),
      keyId: fc.option(fc.constant("k")),
      person: fc.option(text),
      comment: fc.option(text),
      statement: fc.option(text),
      finding,
    }),
  ),
  import: fc.record({
    at,
    source: text,
    sourceDigest: digest,
    form: text,
    part: fc.nat(2),
    records: fc.array(
      fc.record({
        tenant: fc.option(text),
        digest: fc.option(digest),
        sizeBytes: fc.option(count),
        verified: fc.option(flag),
        status: fc.option(text),
        wallMs: fc.option(wallMs),
        at,
      }),
      { maxLength: 3 },
    ),
  }),
  recovery: fc.record(
    {
      at,
      tornBytes: count,
      rewrittenFiles: fc.array(text, { maxLength: 2 }),
      removedFiles: fc.array(text, { maxLength: 2 }),
      interruptedRuns: count,
    },
    { requiredKeys: ["at", "tornBytes", "rewrittenFiles", "interruptedRuns"] },
  ),
  replay: fc.record({
    ...ofRun,
    digest,
    engine: text,
    identical: flag,
    divergence: fc.option(fc.record({ what: text, recorded: text, replayed: text })),
  }),
  deletion: fc.record({
    at,
    policy: fc.record({ inputsDays: count, outputsDays: count }),
    blobs: fc.array(digest, { maxLength: 3 }),
  }),
  policy: fc.record(
    {
      at,
      change: fc.constantFrom("proposed", "approved", "rejected", "activated", "tried", "trial-ended"),
      number: fc.nat(5),
      version: digest,
      comment: text,
      by: fc.record({ keyId: fc.constantFrom("k", "l"), person: text, envelope: fc.constant({}) }),
      rollbackOf: fc.nat(5),
      effect: fc.record({ decisions: count, flips: count }),
      approvers: fc.array(text, { maxLength: 2 }),
    },
    { requiredKeys: ["at", "change", "number", "version", "comment"] },
  ),
  acknowledgement: fc.record({
    at,
    asked: fc.constantFrom(...ACKNOWLEDGEMENT_LEVELS),
    reached: fc.constantFrom(...ACKNOWLEDGEMENT_LEVELS),
    unreached: fc.constantFrom(...UNREACHED),
    from: count,
    to: count,
    reasons: fc.array(said, { maxLength: 2 }),
  }),
  assessment: fc.record({
    ...ofRun,
    digest,
    rules: text,
    findings: fc.array(
      said.map((one) => ({ ...one, measure: "fuel" as const, observed: 5, usual: null, granted: null, points: 3 })),
      { maxLength: 2 },
    ),
    points: fc.nat(100),
    strikes: fc.record({ faults: fc.nat(2), escapes: fc.nat(2), badPointers: fc.nat(2) }),
    contain: fc.option(
      fc.record({
        trigger: fc.constantFrom(...STRIKE_KINDS),
        seen: count,
        threshold: count,
        withinHours: count,
        revokeApprovals: flag,
        message: text,
      }),
    ),
  }),
  clock: fc.record({ at, clock: at, behindMs: count }),
  pruning: fc.record({
    at,
    minimumIndex: count,
    root: digest,
    policy: fc.record({ logDays: count }),
    archive: text,
    by: fc.record({ account: text }),
  }),
  restoration: fc.record({
    at,
    size: count,
    restoredAt: at,
    newest: fc.constant([{ by: "statement", text: "nothing newer was signed" } as const]),
  }),
  submission: fc.record({
    at,
    id: digest,
    origin: fc.constant("agent-inbox"),
    file: text,
    container: fc.option(digest),
    tenant: fc.option(ofRun.tenant),
    digest: fc.option(digest),
    manifest: fc.option(digest),
    sizeBytes: fc.option(count),
    submitter: fc.record({
      uid: fc.nat(3),
      account: text,
      claimed: fc.record({ submitter: fc.option(text), agent: fc.option(text), note: fc.option(text) }),
    }),
    finding,
  }),
  approval: fc.record({
    ...ofTenant,
    id: digest,
    manifest: fc.option(digest),
    signer: fc.option(text),
    act: fc.constantFrom("approval", "break-glass"),
    keyId: fc.option(text),
    person: fc.option(text),
    expires: fc.option(at),
    envelope: text,
    finding,
    complete: flag,
    reviewDue: fc.option(at),
    candidates: fc.array(text, { maxLength: 2 }),
  }),
  rejection: fc.record({ ...ofTenant, reason: text, by: actor, candidates: fc.array(text, { maxLength: 2 }) }),
  withdrawal: fc.record({ ...ofTenant, id: digest, reason: text, by: actor }),
  review: fc.record({ ...ofTenant, id: digest, comment: text, by: actor }),
  incident: fc.record({
    at,
    run: fc.option(ofRun.run),
    tenant: fc.option(ofRun.tenant),
    digest: fc.option(digest),
    code: text,
    message: text,
  }),
};

/** The kinds there are, each with events of its own. */
export const EVENT_KINDS = Object.keys(ARBITRARIES) as readonly EventKind[];

export function anyEventOf(kind: EventKind): fc.Arbitrary<Event> {
  return (ARBITRARIES[kind] as fc.Arbitrary<object>).map((event) => ({ kind, ...event }) as Event);
}

export const anyEvent: fc.Arbitrary<Event> = fc.oneof(...EVENT_KINDS.map(anyEventOf));
