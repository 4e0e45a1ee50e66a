import { resolve } from "node:path";
import { type Capability, type Digest, encodeTime, escapeControls, parseCapability, parseTime, quote } from "#core";
import {
  APPROVAL_BYTES_MAX,
  type ApprovalAct,
  approvalPolicyOf,
  askedRun,
  encodeApproval,
  type Facts,
  type Finding,
  parseApproval,
  policyVersionOf,
  weighApprovals,
} from "#guardian";
import { explainLedgerFault } from "#ports";
import { type ApprovalEvent, approvalRecord, type IncidentEvent } from "#state";
import { openBlobs } from "#store/blobs";
import { readFileBounded } from "#store/modules";
import { replaceFile } from "#store/workspace";
import { shortKey } from "#trust";
import { aboutModule, weighCandidate } from "#worker";
import { openPatientSession, readWhy } from "./actor.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { findOpenReviews } from "./inbox-list.ts";
import { brief, findCandidates, nameCandidates, nameMissing } from "./inbox-words.ts";
import { judgeTenant, judgingPowersOf, type TenantStanding } from "./judging.ts";
import { crypto, type Session } from "./session.ts";
import { readSigningKey, signStatement } from "./signing-key.ts";
import { unwrap } from "./unwrap.ts";

const HOUR_MS = 3_600_000;
const DAYS_DEFAULT = 30; // LIMIT: what nobody chose holds no longer than this, and no longer than the policy lets it

/**
 * Signs a person's consent to what lies there now, exactly, and records it; or signs it into a file (`--out`), or records one that
 * was signed elsewhere (`--signed`). What does not count is recorded too, with the reason.
 */
export async function run(invocation: Invocation): Promise<number> {
  const [tenant] = invocation.positionals;
  if (tenant === undefined) throw usageStop("a tenant is needed", "`nightcore inbox list` shows those that wait");
  const session = await openPatientSession(invocation);
  try {
    const standing = judgeTenant(session, tenant, {
      entry: invocation.text("entry"),
      operatorGrants: invocation.texts("allow").map(readCapability),
    });
    const { digest } = standing.judgement.facts.module;
    if (digest === undefined || standing.judgement.facts.policy.state !== "read") throw nothingToApprove(standing);
    const envelope = readEnvelope(invocation) ?? signApproval(session, invocation, standing.judgement.facts);
    const out = invocation.text("out");
    if (out === undefined) return await record(session, invocation, { standing, digest, envelope });
    replaceFile(resolve(invocation.root, out), envelope);
    invocation.terminal.say(`signed into ${quote(out)}; \`nightcore inbox approve ${tenant} --signed FILE\` records it`);
    return EXIT.ok;
  } finally {
    await session.finish();
  }
}

function readCapability(text: string): Capability {
  const capability = parseCapability(text);
  if (capability === undefined) throw usageStop(`there is no capability ${quote(text)}`);
  return capability;
}

function nothingToApprove({ judgement }: TenantStanding): CommandStop {
  const [reason] = judgement.decision.reasons;
  const { code = "guardian/approval-missing", message = "there is nothing to approve" } = reason ?? {};
  return new CommandStop({ code, message, exit: EXIT.denied });
}

/** An approval that was signed elsewhere, as it came: whatever is wrong with it is found when it is examined. */
function readEnvelope(invocation: Invocation): Uint8Array | undefined {
  const file = invocation.text("signed");
  if (file === undefined) return undefined;
  if (invocation.text("key") !== undefined) throw usageStop("`--signed` and `--key` exclude each other");
  const most = 2 * APPROVAL_BYTES_MAX;
  const read = readFileBounded(resolve(invocation.root, file), most);
  if (!read.ok) throw usageStop(`the approval ${quote(file)} cannot be read`);
  // Of what is too large nothing is read, and it is found to be that.
  return read.value.size > most ? new Uint8Array(most + 1) : new Uint8Array(read.value.bytes);
}

function signApproval({ configuration }: Session, invocation: Invocation, facts: Facts): Uint8Array {
  const key = readSigningKey(invocation);
  if (key === undefined) throw usageStop("`--key APPROVER.key` is missing", "an approval is signed with the approver's own key");
  const comment = readWhy(invocation, "comment");
  const policy = policyVersionOf(facts);
  if (facts.module.digest === undefined || policy === undefined) throw new Error("bug: this was looked at before");
  const act: ApprovalAct = invocation.flag("break-glass") ? "break-glass" : "approval";
  // The time that the log goes by, which may be ahead of the machine's clock: an approval begins where it is weighed.
  const nowMs = Date.parse(facts.at);
  const statement = encodeApproval({
    ...askedRun(facts),
    ...{ act, policy, comment, log: configuration.origin, tenant: facts.tenant, digest: facts.module.digest },
    ...{ keyId: key.keyId, givenAt: encodeTime(nowMs), expires: readExpiry(invocation, facts, nowMs) },
  });
  const said = parseApproval(statement);
  if (!said.ok) throw usageStop("this cannot be approved: what is asked for does not fit into an approval");
  return signStatement(statement, key);
}

/** `--expires` is a moment, or a time from now like `7d`, `12h` or `30m`. */
function readExpiry(invocation: Invocation, facts: Facts, nowMs: number): string {
  const policy = approvalPolicyOf(facts);
  const text = invocation.text("expires");
  if (text === undefined) {
    const days = Math.min(DAYS_DEFAULT, policy.expiresDaysMax) * 24 * HOUR_MS;
    return encodeTime(nowMs + (invocation.flag("break-glass") ? policy.breakGlass.minutesMax * 60_000 : days));
  }
  const [, amount, unit] = /^([1-9]\d{0,5})([dhm])$/.exec(text) ?? [];
  const units: Readonly<Record<string, number>> = { d: 24 * HOUR_MS, h: HOUR_MS, m: 60_000 };
  const until = unit === undefined ? parseTime(text) : nowMs + Number(amount) * (units[unit] ?? 0);
  if (until === undefined || until <= nowMs)
    throw usageStop(`\`--expires\` ${quote(text)} is not a time to come`, "write 7d, 12h, 30m, 2027-01-31 or an RFC 3339 time");
  return encodeTime(until);
}

type Given = { readonly standing: TenantStanding; readonly digest: Digest; readonly envelope: Uint8Array };

async function record(session: Session, invocation: Invocation, { standing, digest, envelope }: Given): Promise<number> {
  const { terminal, json } = invocation;
  const { facts, atMs } = standing.judgement;
  const { tenant } = facts;
  const powers = judgingPowersOf(session);
  const candidate = weighCandidate(envelope, facts, { ...powers, nowMs: atMs });
  const known = session.rows.get("approvals", approvalRecord({ id: candidate.approval.id, tenant, digest }));
  if (known !== undefined)
    throw usageStop("this approval is recorded already", "`nightcore approvals history` shows what became of it");
  const finding = findObstacle(session, candidate, facts.at);
  const after = weighApprovals(candidate.facts);
  const candidates = nameCandidates(findCandidates(facts, standing.weighing, session.store));
  const event = approvalEvent(standing, {
    ...{ candidate, candidates, finding, envelope },
    complete: finding === null && after.satisfied,
  });
  keepReviewed(session, standing);
  const events = [{ kind: "approval", ...event } as const, ...glassIncident(event)];
  const about = aboutModule(tenant, digest);
  unwrap(await session.recorder.record(events.map((one) => ({ about, event: one }))), explainLedgerFault);
  session.rows.commit(session.recorder.applied);
  const missing = nameMissing(after);
  if (json) {
    const said = { tenant, digest, act: event.act, person: event.person, expires: event.expires, counts: finding === null };
    terminal.print(JSON.stringify({ id: event.id, ...said, finding, satisfied: event.complete, missing }));
  }
  tell(invocation, event, missing);
  if (finding !== null) return EXIT.denied;
  sayNext(invocation, session, tenant);
  return EXIT.ok;
}

type Candidate = ReturnType<typeof weighCandidate>;

/** Why the approval does not count; an open review keeps every other break-glass back, of any tenant. */
function findObstacle({ rows }: Session, { approval, weighed }: Candidate, at: string): Finding | null {
  if (weighed.finding !== undefined) return weighed.finding;
  if (approval.statement?.act !== "break-glass") return null;
  const overdue = findOpenReviews(rows).find(({ due }) => due <= at);
  if (overdue === undefined) return null;
  const message = `${quote(overdue.person)} broke the glass for ${quote(overdue.tenant)}, and nobody reviewed it by ${overdue.due}`;
  return { code: "guardian/break-glass-unreviewed", message };
}

function approvalEvent(
  { judgement }: TenantStanding,
  {
    candidate,
    candidates,
    finding,
    envelope,
    complete,
  }: {
    readonly candidate: Candidate;
    readonly candidates: readonly string[];
    readonly finding: Finding | null;
    readonly envelope: Uint8Array;
    readonly complete: boolean;
  },
): ApprovalEvent {
  const { facts, atMs } = judgement;
  const { approval } = candidate;
  const { statement } = approval;
  const { signature, manifest, module } = facts;
  if (module.digest === undefined) throw new Error("bug: this was looked at before");
  const act = statement?.act ?? "approval";
  const reviewMs = approvalPolicyOf(facts).breakGlass.reviewHours * HOUR_MS;
  return {
    at: facts.at,
    id: approval.id,
    tenant: facts.tenant,
    digest: module.digest,
    manifest: manifest.state === "read" ? manifest.digest : null,
    signer: signature.trusted ? `${signature.keyName} (${shortKey(signature.keyId)})` : null,
    act,
    keyId: statement?.keyId ?? null,
    person: approval.person ?? null,
    expires: statement?.expires ?? null,
    // What is no envelope of ours is kept by its beginning: nobody signed that it is whole.
    envelope: Buffer.from(envelope.subarray(0, statement === undefined ? 4096 : envelope.length)).toString("utf8"),
    finding,
    complete,
    reviewDue: act === "break-glass" && finding === null ? encodeTime(atMs + reviewMs) : null,
    candidates,
  };
}

function glassIncident({
  act,
  finding,
  at,
  tenant,
  digest,
  person,
}: ApprovalEvent): readonly ({ kind: "incident" } & IncidentEvent)[] {
  if (act !== "break-glass" || finding !== null) return [];
  const message = `${quote(person ?? "somebody")} broke the glass for ${quote(tenant)}`;
  return [{ kind: "incident", at, run: null, tenant, digest, code: "guardian/break-glass-given", message }];
}

/** Keeps what was approved, so that the next reviewer sees the difference to it. */
function keepReviewed({ layout }: Session, { source, judgement }: TenantStanding): void {
  const blobs = openBlobs(layout.blobs);
  const { module, manifest } = judgement.facts;
  const files = source.read();
  for (const [digest, bytes] of [
    [module.digest, files.wasm.ok ? files.wasm.value : undefined],
    [manifest.state === "read" ? manifest.digest : undefined, files.manifest],
  ] as const) {
    if (digest === undefined || bytes === undefined) continue;
    if (Buffer.from(crypto.sha256(bytes)).toString("hex") === digest) blobs.put(digest, bytes);
  }
}

function tell({ terminal }: Invocation, event: ApprovalEvent, missing: string): void {
  const who = escapeControls(event.person ?? "somebody");
  const until = event.expires ?? "";
  if (event.finding !== null) {
    terminal.say(
      `${terminal.paint("red", "does not count")}: ${event.finding.message} [${event.finding.code}]; recorded in the log`,
    );
  } else if (event.act === "break-glass") {
    terminal.say(
      `${terminal.paint("red", "BREAK-GLASS")}: ${who} lets ${escapeControls(event.tenant)} run until ${until} without the others; recorded as an incident`,
    );
    terminal.say(`            another person reviews it by ${event.reviewDue}: \`nightcore inbox review ${brief(event.id)}\``);
  } else {
    terminal.say(
      `${terminal.paint("green", "approved")}: ${brief(event.digest)} for ${escapeControls(event.tenant)} by ${who}, until ${until}; approval ${brief(event.id)}`,
    );
  }
  if (missing !== "" && event.act !== "break-glass") terminal.say(`            it still needs ${missing}`);
}

/** Approved is not everything: what else a run would be refused for is said now. */
function sayNext({ terminal }: Invocation, session: Session, tenant: string): void {
  const { judgement } = judgeTenant(session, tenant);
  for (const { code, message, hint } of judgement.decision.reasons) {
    if (code === "guardian/approval-missing") continue;
    terminal.say(`            it would still be refused: ${message} [${code}]`);
    const sign = `a signer signs it: \`nightcore sign --dir modules/${tenant} --key SIGNER.key\``;
    const next = code === "trust/unsigned" ? sign : hint;
    if (next !== undefined) terminal.say(`            ${terminal.paint("blue", "hint")}: ${next}`);
  }
}
