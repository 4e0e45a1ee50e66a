import {
  type BlockTarget,
  type Bytes,
  encodeTime,
  type Explanation,
  fail,
  isJsonObject,
  type Json,
  type JsonObject,
  ok,
  parseDigest,
  parseJson,
  parseTenantName,
  parseTime,
  quote,
  type Result,
  type Sha256,
  unreachable,
} from "#core";
import type { ImportedRecord } from "#state";
import { parseGuardianLog } from "./v39-decisions.ts";
import { type ChainFault, explainChainFault, parseAuditChain } from "./v39-audit-chain.ts";

const FILE_BYTES_MAX = 64 * 1024 * 1024; // LIMIT: a report is read whole
const LINE_BYTES_MAX = 1024 * 1024;

export type ImportFault =
  | { readonly code: "import/unknown-form"; readonly file: string }
  | { readonly code: "import/own-report"; readonly file: string }
  | { readonly code: "import/malformed"; readonly file: string; readonly where: string; readonly what: string }
  | ChainFault;

export function explainImportFault(fault: ImportFault): Explanation {
  switch (fault.code) {
    case "import/unknown-form":
      return {
        message: `${quote(fault.file)} is no report or history that v39 or v37 wrote`,
        hint: "orchestration_report.json, TENANT_proof_history.json, proof_report.jsonl, audit.jsonl and guardian_decisions.jsonl can be imported",
      };
    case "import/own-report":
      return {
        message: `${quote(fault.file)} is a report of this software`,
        hint: "its runs are in the log; v39's own report was kept beside it as *.v39.json",
      };
    case "import/malformed":
      return { message: `${quote(fault.file)} is malformed at ${fault.where}: ${fault.what}`, hint: "nothing was imported" };
    case "import/chain-broken":
    case "import/chain-cut":
      return explainChainFault(fault);
    default:
      return unreachable(fault);
  }
}

/** A file as found: its name and folder tell some of the forms apart. `tail`: `audit.tail`, where it lies beside. */
export type V39File = {
  readonly name: string;
  readonly folder: string;
  readonly bytes: Bytes;
  readonly tail?: Bytes | undefined;
  readonly sha256: Sha256;
};
/** What a file holds, once recognised. */
export type V39History = {
  readonly kind: string;
  readonly records: readonly ImportedRecord[];
  /** What v39 had in quarantine, where the file says it. */
  readonly quarantined?: readonly BlockTarget[];
};

/** Recognises and reads one of the files that v39 or v37 left in `logs/`. A record that cannot be read refuses the file. */
export function parseV39File(file: V39File): Result<V39History, ImportFault> {
  try {
    if (file.name === "audit.jsonl") return parseAuditChain(file);
    if (file.name === "guardian_decisions.jsonl") return parseGuardianLog(file);
    if (file.name.endsWith(".jsonl"))
      return ok({ kind: "proof report", records: readLines(file).map((line, n) => readProofReport(line, `line ${n + 1}`)) });
    const document = parseJson(file.bytes, FILE_BYTES_MAX);
    if (!document.ok) throw new Malformed("the file", document.fault.code);
    return readDocument(document.value, file);
  } catch (error) {
    if (error instanceof Malformed)
      return fail({ code: "import/malformed", file: file.name, where: error.where, what: error.message });
    throw error;
  }
}

class Malformed extends Error {
  readonly where: string;
  constructor(where: string, what: string) {
    super(what);
    this.where = where;
  }
}

function readDocument(value: Json, file: V39File): Result<V39History, ImportFault> {
  const tenant = /^(.+)_proof_history(?:\.v39(?:-\d+)?)?\.json$/.exec(file.name)?.[1];
  if (Array.isArray(value) && tenant !== undefined) {
    return ok({ kind: "proof history", records: value.map((item, n) => readProof(item as Json, tenant, `record ${n}`)) });
  }
  if (Array.isArray(value))
    return ok({ kind: "v37 report", records: value.map((item, n) => readV37Tenant(item as Json, `record ${n}`)) });
  if (isJsonObject(value) && Array.isArray(value["tenants"])) {
    // What this software wrote is in the log already, witnessed; it is never taken in as a claim.
    if ("format" in value) return fail({ code: "import/own-report", file: file.name });
    const at = timeOf(value, "timestamp", "the report");
    return ok({
      kind: "v39 report",
      records: value["tenants"].map((item, n) => readV39Tenant(item as Json, at, `tenants[${n}]`)),
    });
  }
  return fail({ code: "import/unknown-form", file: file.name });
}

function readLines({ bytes }: V39File): readonly Json[] {
  const lines: Bytes[] = [];
  let start = 0;
  for (let at = 0; at <= bytes.length; at++) {
    if (at < bytes.length && bytes[at] !== 0x0a) continue;
    if (at > start) lines.push(bytes.subarray(start, at));
    start = at + 1;
  }
  return lines.map((line, n) => {
    const value = parseJson(line, LINE_BYTES_MAX);
    if (!value.ok) throw new Malformed(`line ${n + 1}`, value.fault.code);
    return value.value;
  });
}

function readProof(item: Json, tenant: string, where: string): ImportedRecord {
  const object = objectOf(item, where);
  return {
    tenant: tenantOf(tenant, where),
    digest: digestMember(object, "sha256", where),
    sizeBytes: numberOf(object, "size", where),
    verified: booleanOf(object, "verified", where),
    status: null,
    wallMs: null,
    at: timeOf(object, "timestamp", where),
  };
}

function readV39Tenant(item: Json, at: string, where: string): ImportedRecord {
  const object = objectOf(item, where);
  return {
    tenant: tenantOf(object["name"], where),
    digest: digestMember(object, "sha", where),
    sizeBytes: null,
    verified: null,
    status: textOf(object, "status", where),
    wallMs: numberOf(object, "duration_s", where) * 1000,
    at,
  };
}

function readV37Tenant(item: Json, where: string): ImportedRecord {
  const object = objectOf(item, where);
  return {
    tenant: tenantOf(object["tenant"], where),
    digest: digestMember(object, "sha256", where),
    sizeBytes: null,
    verified: booleanOf(object, "verified", where),
    status: textOf(object, "status", where),
    wallMs: numberOf(object, "duration_ms", where),
    // v37 wrote no time.
    at: encodeTime(0),
  };
}

function readProofReport(item: Json, where: string): ImportedRecord {
  const object = objectOf(item, where);
  const at = timeOf(object, "started_at", where);
  const end = timeOf(object, "finished_at", where);
  return {
    tenant: tenantOf(object["tenant"], where),
    digest: digestMember(object, "module_sha256", where),
    sizeBytes: null,
    verified: null,
    status: textOf(object, "status", where),
    wallMs: (parseTime(end) ?? 0) - (parseTime(at) ?? 0),
    at,
  };
}

function objectOf(item: Json, where: string): JsonObject {
  if (!isJsonObject(item)) throw new Malformed(where, "it is not an object");
  return item;
}

function tenantOf(value: Json | undefined, where: string): string {
  const name = typeof value === "string" ? parseTenantName(value) : undefined;
  if (name?.ok !== true) throw new Malformed(where, "it names no tenant");
  return name.value;
}

function digestMember(object: JsonObject, name: string, where: string) {
  const value = object[name];
  const digest = typeof value === "string" ? parseDigest(value) : undefined;
  if (digest === undefined) throw new Malformed(where, `\`${name}\` is not a SHA-256`);
  return digest;
}

function timeOf(object: JsonObject, name: string, where: string): string {
  const value = object[name];
  const ms = typeof value === "string" ? parseTime(value) : undefined;
  if (ms === undefined) throw new Malformed(where, `\`${name}\` is not an RFC 3339 time`);
  return encodeTime(ms);
}

function numberOf(object: JsonObject, name: string, where: string): number {
  const value = object[name];
  if (typeof value !== "number" || value < 0) throw new Malformed(where, `\`${name}\` is not a number`);
  return value;
}

function booleanOf(object: JsonObject, name: string, where: string): boolean {
  const value = object[name];
  if (typeof value !== "boolean") throw new Malformed(where, `\`${name}\` is neither true nor false`);
  return value;
}

function textOf(object: JsonObject, name: string, where: string): string {
  const value = object[name];
  if (typeof value !== "string") throw new Malformed(where, `\`${name}\` is not a text`);
  return value.slice(0, 300);
}
