import { type BlockTarget, type Bytes, isJsonObject, parseJson, parseTenantName, parseTime, utf8 } from "#core";

/** An order of the kill switch: end what matches, now, and let nothing start that does. Its id names it for ever. */
export type KillOrder = {
  readonly id: string;
  readonly target: BlockTarget & { readonly kind: "tenant" | "signer" | "everything" };
  readonly reason: string;
  readonly at: string;
};

const ORDER_BYTES_MAX = 8 * 1024; // LIMIT: a name, a reason of 1,000 characters and a time
const REASON_CHARACTERS_MAX = 1_000; // LIMIT: the same as of any block

/** The bytes of an order's file. */
export function encodeKillOrder({ id, target, reason, at }: KillOrder): Uint8Array {
  return utf8(`${JSON.stringify({ format: "nightcore-order/v1", id, ...target, reason, at })}\n`);
}

/** Reads an order's file, strictly; undefined for anything else. `id`: what the file's name says, which has to be what it says. */
export function parseKillOrder(bytes: Bytes, id: string): KillOrder | undefined {
  const json = parseJson(bytes, ORDER_BYTES_MAX);
  if (!json.ok || !isJsonObject(json.value)) return undefined;
  const { format, id: named, kind, target, reason, at, ...rest } = json.value;
  if (format !== "nightcore-order/v1" || named !== id || Object.keys(rest).length > 0) return undefined;
  if (typeof reason !== "string" || reason === "" || reason.length > REASON_CHARACTERS_MAX) return undefined;
  if (typeof at !== "string" || parseTime(at) === undefined || typeof target !== "string") return undefined;
  const known = readTarget(kind, target);
  return known && { id, target: known, reason, at };
}

function readTarget(kind: unknown, target: string): KillOrder["target"] | undefined {
  if (kind === "everything") return target === "" ? { kind, target } : undefined;
  if (kind === "tenant") return parseTenantName(target).ok ? { kind, target } : undefined;
  return kind === "signer" && /^[0-9a-f]{64}$/.test(target) ? { kind, target } : undefined;
}
