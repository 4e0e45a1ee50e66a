import { encodeTime, type Json } from "#core";
import { BASE_POLICY, encodePolicyAct, type PolicyActName, type PolicyBundle, type Requirement } from "#guardian";
import { explainLedgerFault } from "#ports";
import { type PolicyEvent, type PolicyVersionRow, readPolicyHead, readPolicyVersion } from "#state";
import { EVERY_TENANT, personOf, shortKey } from "#trust";
import { type Consent, weighConsent } from "#worker";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { authorityOf } from "./judging.ts";
import { keepVersion, openPolicies } from "./policy-store.ts";
import { crypto, type Session } from "./session.ts";
import { readSigningKey, signStatement } from "./signing-key.ts";
import { unwrap } from "./unwrap.ts";

type Said = Pick<PolicyEvent, "change" | "comment"> & Partial<Pick<PolicyEvent, "by" | "rollbackOf" | "effect" | "approvers">>;

/** Records what happened to a version, and brings the projection up to it. */
export async function recordChange(
  { recorder, rows }: Session,
  { number, version }: Pick<PolicyVersionRow, "number" | "version">,
  said: Said,
): Promise<PolicyVersionRow> {
  const event: PolicyEvent = { at: encodeTime(Date.now()), number, version, ...said };
  unwrap(
    await recorder.record([{ about: { name: "policies", digest: version }, event: { kind: "policy", ...event } }]),
    explainLedgerFault,
  );
  rows.commit(recorder.applied);
  const row = readPolicyVersion(rows, number);
  if (row === undefined) throw new Error("bug: a version that was recorded is not there");
  return row;
}

/** Records a version that is not in force yet. What is in force already is not proposed again. */
export async function proposeVersion(
  session: Session,
  invocation: Invocation,
  { bundle, comment, ...said }: { readonly bundle: PolicyBundle; readonly comment: string } & Pick<Said, "rollbackOf" | "effect">,
): Promise<PolicyVersionRow> {
  const version = keepVersion(session.layout, bundle);
  if (readPolicyHead(session.rows, "active")?.version === version)
    throw usageStop(
      "these are the policies in force already, so there is nothing to propose",
      "`nightcore policy diff` shows differences",
    );
  const number = (readPolicyHead(session.rows, "newest")?.number ?? 0) + 1;
  const by =
    invocation.text("key") === undefined
      ? {}
      : { by: signAct(session, invocation, { act: "proposal", number, version, comment }) };
  return recordChange(session, { number, version }, { change: "proposed", comment, ...by, ...said });
}

/** Signs what a person says about a version, with that person's own key, which the trust store has to know. */
export function signAct(
  { configuration, store }: Session,
  invocation: Invocation,
  about: { readonly act: PolicyActName; readonly comment: string } & Pick<PolicyVersionRow, "number" | "version">,
): NonNullable<PolicyEvent["by"]> {
  const key = readSigningKey(invocation);
  if (key === undefined) throw usageStop("`--key FILE` is missing", "a person signs with a key of their own");
  const { keyId } = key;
  const known = store.keyOf(keyId);
  if (known === undefined) {
    const message = `the key ${shortKey(keyId)} is not in the trust store`;
    const hint = "`nightcore trust add KEY.pub --role approver --tenant '*'` makes somebody an approver of policies";
    throw new CommandStop({ code: "guardian/approver-unknown", message, hint, exit: EXIT.denied });
  }
  const statement = encodePolicyAct({ ...about, log: configuration.origin, keyId, at: encodeTime(Date.now()) });
  const envelope = signStatement(statement, key);
  return { keyId, person: personOf(known), envelope: JSON.parse(Buffer.from(envelope).toString("utf8")) as Json };
}

/** Weighs who has approved a version, by the trust store of now and the policies in force. */
export function weighVersion(session: Session, version: PolicyVersionRow): Consent & { readonly possible: boolean } {
  const policies = openPolicies(session.layout, session.rows);
  const base = policies.shelf.policyOf("_default");
  const require = (base.state === "read" ? base.policy.policyApprovals : undefined) ?? BASE_POLICY.policyApprovals ?? [];
  // Where no policies are left to ask, the roles alone decide: otherwise nobody could put any in force again.
  const ask = policies.bundle === undefined ? undefined : authorityOf(policies);
  const consent = weighConsent(version, {
    store: session.store,
    crypto,
    nowMs: Date.now(),
    log: session.configuration.origin,
    require,
    refuse: (person, roles) => ask?.({ person, roles, deed: "approvePolicy" }),
  });
  return { ...consent, possible: someoneCould(session, require) };
}

/** Whether the trust store knows anybody at all who could approve policies now. */
function someoneCould({ store }: Session, require: readonly Requirement[]): boolean {
  const nowMs = Date.now();
  return store.keys.some(({ keyId }) =>
    require.some(({ role }) => store.gapOf(keyId, role, { tenant: EVERY_TENANT, nowMs }) === undefined),
  );
}

/** Puts a version in force: with every approval that the version before it asks for, or, where nobody could give one, without. */
export async function activateVersion(
  session: Session,
  invocation: Invocation,
  { version, comment }: { readonly version: PolicyVersionRow; readonly comment: string },
): Promise<PolicyVersionRow> {
  if (version.state === "active") throw usageStop(`version ${version.number} is in force already`);
  if (version.state === "replaced")
    throw usageStop(
      `version ${version.number} was in force and was replaced`,
      `\`nightcore policy rollback ${version.number}\` proposes it again, as a new version`,
    );
  const { approvers, missing, possible } = weighVersion(session, version);
  const unapproved = invocation.flag("unapproved");
  if (unapproved && possible)
    throw refusal("the trust store knows persons who can approve policies, so it does not go without them", version);
  if (missing.length > 0 && !unapproved) throw possible ? refusal(missing.join("; "), version) : nobodyCould(version);
  return recordChange(session, version, { change: "activated", comment, approvers: unapproved ? [] : approvers });
}

function refusal(message: string, { number }: PolicyVersionRow): CommandStop {
  const hint = `\`nightcore policy approve ${number} --key APPROVER.key --comment TEXT\`; version ${number} is recorded and waits`;
  return new CommandStop({ code: "guardian/policy-unapproved", message, hint, exit: EXIT.denied });
}

function nobodyCould({ number }: PolicyVersionRow): CommandStop {
  const message = "policies take effect when people have approved them, and the trust store knows nobody who could";
  const hint = `name somebody: \`nightcore trust add KEY.pub --role approver --tenant '*'\`; or say \`nightcore policy activate ${number} --unapproved\`, which is recorded as that`;
  return new CommandStop({ code: "guardian/policy-unapproved", message, hint, exit: EXIT.denied });
}
