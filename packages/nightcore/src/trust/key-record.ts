import { type KeyId, parseTime } from "#core";

/**
 * What a key may be trusted for: `signer` of modules, `approver` of what an agent wrote, `break-glass` in an emergency, or a
 * role that a policy names, like `approver:security`.
 */
export type Role = string;

/** The roles that mean something without a policy that names them. */
export const ROLES: readonly Role[] = ["signer", "approver", "break-glass"];

const ROLE_CHARACTERS_MAX = 64; // LIMIT: a word in a list

/** The text as a role, or undefined: lower-case letters, digits and hyphens, and once a colon between two such words. */
export function parseRole(text: string): Role | undefined {
  const named = text.length <= ROLE_CHARACTERS_MAX && /^[a-z][a-z0-9-]*(?::[a-z0-9][a-z0-9-]*)?$/.test(text);
  return named ? text : undefined;
}

/** `*` stands for every tenant and has to be written out: trust is explicit. */
export const EVERY_TENANT = "*";

/** One act of trust: this key, in this role, for these tenants, in this time. A key may have several. */
export type Grant = {
  readonly keyId: KeyId;
  readonly role: Role;
  readonly tenants: readonly string[];
  /** RFC 3339, inclusive; undefined: from the beginning. */
  readonly from: string | undefined;
  /** RFC 3339, exclusive; undefined: without end. */
  readonly to: string | undefined;
  readonly addedAt: string;
};

/** A key that the trust store knows, what people call it, and the person who holds it where that is not the key's name. */
export type TrustedKey = {
  readonly keyId: KeyId;
  readonly publicKey: Uint8Array;
  readonly name: string;
  readonly person?: string | undefined;
};

/** The person who holds a key: named when it was trusted, else the key's name. Several keys may have the same one. */
export function personOf({ name, person }: TrustedKey): string {
  return person ?? name;
}

/** Whether two names mean one person: capitals, compatible forms and white space make no second one. */
export function isSamePerson(a: string, b: string): boolean {
  return foldName(a) === foldName(b);
}

function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
}
/** The end of all trust in a key. */
export type Revocation = { readonly keyId: KeyId; readonly revokedAt: string; readonly reason: string };

export type KeyFault =
  | { readonly code: "trust/key-untrusted"; readonly keyId: KeyId }
  | { readonly code: "trust/key-revoked"; readonly keyId: KeyId; readonly revokedAt: string; readonly reason: string }
  | { readonly code: "trust/key-wrong-role"; readonly keyId: KeyId; readonly role: Role }
  | { readonly code: "trust/key-not-for-tenant"; readonly keyId: KeyId; readonly tenant: string }
  | { readonly code: "trust/key-not-yet-valid"; readonly keyId: KeyId; readonly from: string }
  | { readonly code: "trust/key-expired"; readonly keyId: KeyId; readonly to: string };

/** Says whether one grant covers the tenant and the moment; undefined means that it does. */
export function gapOfGrant(grant: Grant, tenant: string, nowMs: number): KeyFault | undefined {
  const { keyId, from, to } = grant;
  if (!grant.tenants.includes(tenant) && !grant.tenants.includes(EVERY_TENANT)) {
    return { code: "trust/key-not-for-tenant", keyId, tenant };
  }
  // INVARIANT: times were checked when the store was parsed, so parseTime cannot fail here; if it did, the gap stays.
  if (from !== undefined && !(nowMs >= (parseTime(from) ?? Infinity))) return { code: "trust/key-not-yet-valid", keyId, from };
  if (to !== undefined && !(nowMs < (parseTime(to) ?? -Infinity))) return { code: "trust/key-expired", keyId, to };
  return undefined;
}
