import { encodeStatement, parseEnvelope, verifyEnvelope } from "#attest";
import {
  assert,
  type Bytes,
  type Crypto,
  digestOf,
  encodeBase64,
  equalBytes,
  type Explanation,
  type KeyId,
  parseTime,
  utf8,
} from "#core";
import { fillRequirements, type Finding, type Requirement } from "#guardian";
import type { Event, ReleaseEvent, Row, Rows } from "#state";
import { EVERY_TENANT, explainTrustFault, isSamePerson, personOf, type TrustStore } from "#trust";
import { findingOf } from "./inspection.ts";

/** The predicate type of what a person signs to end blocks. */
export const RELEASE_TYPE = "urn:nightcore:block-release:v1";
const STATEMENT_CHARACTERS_MAX = 8 * 1024; // LIMIT: of the signed statement in an entry; one over 60 blocks is longer

/** What is signed: these blocks of this log end, says the holder of this key, because of that. */
export type ReleaseStatement = {
  readonly log: string;
  readonly blocks: readonly string[];
  readonly keyId: KeyId;
  readonly at: string;
  readonly comment: string;
};

/** The bytes to sign, in their one encoding. The id of a block is never used again, so a statement cannot end another. */
export function encodeRelease({ log, blocks, keyId, at, comment }: ReleaseStatement, { sha256 }: Pick<Crypto, "sha256">): Bytes {
  const subject = blocks.map((id) => ({ name: `block/${id}`, digest: { sha256: digestOf(sha256, utf8(`${log} ${id}`)) } }));
  return encodeStatement({ subject, predicateType: RELEASE_TYPE, predicate: { log, blocks, keyId, at, comment } });
}

/** Why a release does not count. Recorded as a refusal; the blocks stay. */
export type ReleaseFaultCode =
  | "worker/release-unsigned"
  | "worker/release-forbidden"
  | "worker/release-own"
  | "worker/release-repeated"
  | "worker/release-clock";

const SENTENCES: Readonly<Record<ReleaseFaultCode, Explanation>> = {
  "worker/release-unsigned": { message: "the statement is not signed by the key that it names" },
  "worker/release-forbidden": { message: "the policies in force do not let this person release it" },
  "worker/release-own": {
    message: "the key caused the block, signed what is blocked, or is itself blocked",
    hint: "another person has to release it",
  },
  "worker/release-repeated": { message: "this person has consented already", hint: "another approver has to, too" },
  "worker/release-clock": { message: "the release is older than the block that it would end", hint: "set the clock right" },
};

/** What one person asks, with what they signed. */
export type Release = { readonly statement: ReleaseStatement; readonly envelope: Bytes; readonly entry: number };

/** What a release is judged by: trust now, the blocks, and which persons the policy wants. */
export type ReleasePowers = {
  readonly crypto: Crypto;
  readonly store: TrustStore;
  readonly rows: Rows;
  readonly require: readonly Requirement[];
  /** Why the policies in force do not let a person do it, if so; the tenant is undefined where it is everybody's matter. */
  readonly refuse: (question: ReleaseQuestion) => string | undefined;
};

/** Who wants to end a block on what, in which roles. */
export type ReleaseQuestion = {
  readonly person: string;
  readonly roles: readonly string[];
  readonly tenant: string | undefined;
};

/**
 * Judges one release: the signature, the role of its key now, and that the person neither caused the block nor has consented
 * before. Enough persons end the blocks; until then each consent is kept. Whatever it comes to is an event to record.
 */
export function judgeRelease({ statement, envelope, entry }: Release, powers: ReleasePowers): Event & ReleaseEvent {
  const { rows, store } = powers;
  const blocks = statement.blocks.map((id) => rows.get("blocks", id)).filter((row) => row !== undefined);
  assert(blocks.length > 0, "a release names blocks that there are");
  const finding = refuse(statement, { envelope, blocks }, powers);
  const known = finding?.code === "worker/release-unsigned" ? undefined : store.keyOf(statement.keyId);
  const enough = blocks.every((block) => isEnough(statement, block, powers));
  return {
    kind: "release",
    at: statement.at,
    entry,
    blocks: statement.blocks,
    state: finding !== undefined ? "refused" : enough ? "released" : "consented",
    keyId: known === undefined ? null : statement.keyId,
    person: known === undefined ? null : personOf(known),
    comment: statement.comment,
    statement: encodeBase64(envelope).slice(0, STATEMENT_CHARACTERS_MAX),
    finding: finding ?? null,
  };
}

type Asked = { readonly envelope: Bytes; readonly blocks: readonly Row[] };

function refuse(statement: ReleaseStatement, { envelope, blocks }: Asked, powers: ReleasePowers): Finding | undefined {
  const { store, rows } = powers;
  const { keyId } = statement;
  const nowMs = parseTime(statement.at) ?? 0;
  for (const block of blocks) {
    const gap = gapOfRole(keyId, block, { ...powers, nowMs });
    if (gap !== undefined) return gap;
  }
  const because = (code: ReleaseFaultCode): Finding => ({ code, ...SENTENCES[code] });
  if (!isSigned(statement, envelope, powers)) return because("worker/release-unsigned");
  for (const block of blocks) {
    const refusal = askPolicies(keyId, block, { ...powers, nowMs });
    if (refusal !== undefined) return { ...because("worker/release-forbidden"), hint: refusal };
  }
  if (blocks.some((block) => nowMs < (parseTime(String(block["at"])) ?? 0))) return because("worker/release-clock");
  const own = personOfKey(store, keyId);
  const isSame = (other: string) => other === keyId || isSamePerson(personOfKey(store, other), own);
  if (blocks.some((block) => involvedKeys(rows, block).some(isSame))) return because("worker/release-own");
  const consented = blocks.flatMap((block) => consentsOf(rows, block));
  return consented.some(({ key, person }) => isSame(key) || isSamePerson(person, own))
    ? because("worker/release-repeated")
    : undefined;
}

/** Whether the consents so far, of keys that still stand in a role, and this one fill what the policy requires. */
function isEnough({ keyId, at }: ReleaseStatement, block: Row, { rows, store, require }: ReleasePowers): boolean {
  const asked = { tenant: tenantOf(block), nowMs: parseTime(at) ?? 0 };
  const roles = (key: string) =>
    require.map(({ role }) => role).filter((role) => store.gapOf(key as KeyId, role, asked) === undefined);
  const persons = [...consentsOf(rows, block).map(({ key }) => key), keyId].map(roles);
  return fillRequirements(persons, require).every(({ filled, count }) => filled >= count);
}

/** Who may end a block: who stands in a role that the policy asks for. The one place where that is asked. */
function gapOfRole(
  keyId: KeyId,
  block: Row,
  { store, require, nowMs }: ReleasePowers & { readonly nowMs: number },
): Finding | undefined {
  const gaps = require.map(({ role }) => store.gapOf(keyId, role, { tenant: tenantOf(block), nowMs }));
  if (gaps.includes(undefined)) return undefined;
  // Where a key stood in one of the roles, its end says more than that it never stood in another.
  const gap = gaps.find((one) => one?.code !== "trust/key-wrong-role") ?? gaps[0];
  return gap === undefined ? undefined : findingOf(gap, explainTrustFault);
}

function askPolicies(
  keyId: KeyId,
  block: Row,
  { store, require, refuse: ask, nowMs }: ReleasePowers & { readonly nowMs: number },
): string | undefined {
  const asked = { tenant: tenantOf(block), nowMs };
  const roles = require.map(({ role }) => role).filter((role) => store.gapOf(keyId, role, asked) === undefined);
  const tenant = block["kind"] === "tenant" ? String(block["target"]) : undefined;
  return ask({ person: personOfKey(store, keyId), roles, tenant });
}

// A block on one tenant is that tenant's matter, any other everybody's.
function tenantOf({ kind, target }: Row): string {
  return kind === "tenant" ? String(target) : EVERY_TENANT;
}

function isSigned(statement: ReleaseStatement, bytes: Bytes, { crypto, store }: ReleasePowers): boolean {
  const key = store.keyOf(statement.keyId);
  const envelope = parseEnvelope(bytes);
  if (key === undefined || !envelope.ok) return false;
  const payload = verifyEnvelope(envelope.value, key.publicKey, crypto.verifyEd25519);
  return payload.ok && equalBytes(payload.value, encodeRelease(statement, crypto));
}

// A key that nobody knows is a person of its own.
function personOfKey(store: TrustStore, keyId: string): string {
  const key = store.keyOf(keyId as KeyId);
  return key === undefined ? keyId : personOf(key);
}

function consentsOf(rows: Rows, block: Row): readonly { readonly key: string; readonly person: string }[] {
  const consents = rows.scan("consents", { where: { block: block["id"] ?? null } });
  return consents.map((row) => ({ key: String(row["key_id"]), person: String(row["person"]) }));
}

// Whoever put it, whoever signed what it holds back, and the key that it is about.
function involvedKeys(rows: Rows, { kind, target, caused_by: causedBy }: Row): readonly string[] {
  const signed = kind === "digest" ? rows.scan("runs", { where: { digest: target ?? null } }).map((row) => row["key_id"]) : [];
  const keys = [causedBy, kind === "signer" ? target : null, ...new Set(signed)];
  return keys.filter((key) => typeof key === "string");
}
