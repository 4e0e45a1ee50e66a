import { userInfo } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { type Digest, quote } from "#core";
import { type Act, encodeAct, isComment } from "#guardian";
import type { Actor } from "#state";
import { personOf, shortKey, type TrustStore } from "#trust";
import type { ApprovalAuthority } from "#worker";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { authorityOf } from "./judging.ts";
import { openPolicies } from "./policy-store.ts";
import { openSession, type Session } from "./session.ts";
import { readSigningKey, signStatement } from "./signing-key.ts";

/** What is done about an approval or a module, by whom it may be signed. */
export type Deed = {
  readonly act: Act;
  readonly about: Digest;
  readonly tenant: string;
  readonly at: string;
  readonly comment: string;
};

const DEEDS = { rejection: "reject", withdrawal: "revokeApproval", review: "review" } as const;

/**
 * Who does it: the account of this machine, and with `--key` the person of that key, who signs it and needs a role in which the
 * policies permit it.
 */
export function signAct(session: Session, invocation: Invocation, deed: Deed): Actor {
  const account = userInfo().username;
  const key = readSigningKey(invocation);
  if (key === undefined) return { account, keyId: null, person: null, envelope: null };
  const { keyId } = key;
  const known = session.store.keyOf(keyId);
  if (known === undefined || session.store.revocationOf(keyId) !== undefined) {
    const message = `the key ${shortKey(keyId)} is ${known === undefined ? "not in the trust store" : "revoked"}`;
    throw new CommandStop({ code: "guardian/actor-refused", message, exit: EXIT.denied });
  }
  const person = personOf(known);
  const authority = authorityOf(openPolicies(session.layout, session.rows));
  const refusal = refuse(session.store, authority, { ...deed, person });
  if (refusal !== undefined) {
    const message = `${quote(person)} may not do that for ${quote(deed.tenant)}: ${refusal}`;
    throw new CommandStop({ code: "guardian/actor-refused", message, exit: EXIT.denied });
  }
  const statement = encodeAct({ ...deed, log: session.configuration.origin, keyId });
  return { account, keyId, person, envelope: Buffer.from(signStatement(statement, key)).toString("utf8") };
}

// The one place that says who may reject, revoke and review: the roles of all of a person's keys, and the policies in force.
function refuse(
  store: TrustStore,
  authority: ApprovalAuthority,
  { act, tenant, at, person }: Deed & { readonly person: string },
): string | undefined {
  const nowMs = Date.parse(at);
  const roles = store.keys
    .filter((key) => personOf(key) === person)
    .flatMap(({ keyId }) => store.rolesOf(keyId, { tenant, nowMs }));
  return authority({ person, roles: [...new Set(roles)], deed: DEEDS[act], tenant });
}

/** A text that the record wants: why. */
export function readWhy(invocation: Invocation, option: "comment" | "reason"): string {
  const text = invocation.text(option);
  if (!isComment(text))
    throw usageStop(`\`--${option} TEXT\` is missing`, "it says why, for whoever reads the log; at most 1,000 characters");
  return text;
}

const TRIES_MAX = 12; // LIMIT: about a minute, since opening waits for some seconds itself; two approvers at once take turns
const PAUSE_MS = 200;

/** Opens a session, and waits a while for another command that writes. */
export async function openPatientSession(invocation: Invocation): Promise<Session> {
  for (let tries = 1; ; tries++) {
    try {
      return await openSession(invocation, { thread: false });
    } catch (error) {
      if (!(error instanceof CommandStop) || error.code !== "ledger/locked" || tries >= TRIES_MAX) throw error;
      await wait(PAUSE_MS);
    }
  }
}
