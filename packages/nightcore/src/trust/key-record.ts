import { type KeyId, parseTime } from "#core";

/** What a key may be trusted for: signing modules, or approving what an agent wrote. */
export const ROLES = ["signer", "approver"] as const;
export type Role = (typeof ROLES)[number];

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

/** A key that the trust store knows, and what people call it. */
export type TrustedKey = { readonly keyId: KeyId; readonly publicKey: Uint8Array; readonly name: string };
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
