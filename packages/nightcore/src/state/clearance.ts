import type { Row, Rows } from "./rows.ts";

/** Bytes that came in for a tenant, and who brought them. */
export type SubmittedBytes = { readonly digest: string; readonly persons: readonly string[] };
/** A refusal of bytes, and where it stands in the log. */
export type RecordedRejection = {
  readonly digest: string;
  readonly index: number;
  readonly at: string;
  readonly by: string;
  readonly reason: string;
};

/** What the log says of a tenant that has to be approved: everything that a decision asks, in one row. */
export type Clearance = {
  readonly tenant: string;
  readonly submitted: readonly SubmittedBytes[];
  /** The account that the tenant's first submission belonged to; nobody else submits for it. */
  readonly owner: number | undefined;
  /** Identifiers of approvals with the bytes that they were recorded for. */
  readonly approvals: readonly { readonly id: string; readonly digest: string }[];
  /** Bytes for which an approval was recorded that held then. */
  readonly approved: readonly string[];
  /** Approvals with which a requirement was met. */
  readonly complete: readonly { readonly id: string; readonly digest: string }[];
  readonly rejections: readonly RecordedRejection[];
  /** Break-glass approvals that nobody has reviewed. */
  readonly openReviews: readonly { readonly id: string; readonly digest: string }[];
  /** The latest time that a decision about the tenant was made at, and where the first one of that time stands. */
  readonly latestAt: string | undefined;
  readonly latestIndex: number | undefined;
};

// LIMIT: what one row remembers of a tenant; the tables beside it, and the log, have all of it. Open reviews are never dropped.
const REMEMBERED_MAX = 64;

/** The key of an approval's row: one consent, as it was recorded for one tenant and module. */
export function approvalRecord({
  id,
  tenant,
  digest,
}: {
  readonly id: string;
  readonly tenant: string;
  readonly digest: string;
}): string {
  return `${id} ${digest} ${tenant}`;
}

/** The clearance of a tenant, or undefined when the log has nothing of that kind about it. */
export function readClearance(rows: Pick<Rows, "get">, tenant: string): Clearance | undefined {
  const row = rows.get("clearances", tenant);
  if (row === undefined) return undefined;
  return {
    tenant,
    submitted: listIn(row, "submitted"),
    owner: typeof row["owner"] === "number" ? row["owner"] : undefined,
    approvals: listIn(row, "approvals"),
    approved: listIn(row, "approved"),
    complete: listIn(row, "complete"),
    rejections: listIn(row, "rejections"),
    openReviews: listIn(row, "open_reviews"),
    latestAt: typeof row["latest_at"] === "string" ? row["latest_at"] : undefined,
    latestIndex: typeof row["latest_index"] === "number" ? row["latest_index"] : undefined,
  };
}

/** Puts a changed clearance; the first change of a tenant makes its row. */
export function changeClearance(rows: Rows, tenant: string, change: (before: Clearance) => Partial<Clearance>): void {
  const before = readClearance(rows, tenant) ?? { ...EMPTY, tenant };
  const after = { ...before, ...change(before) };
  rows.put("clearances", {
    tenant,
    submitted: encodeNewest(after.submitted),
    owner: after.owner ?? null,
    approvals: encodeNewest(after.approvals),
    approved: encodeNewest(after.approved),
    complete: encodeNewest(after.complete),
    rejections: encodeNewest(after.rejections),
    open_reviews: JSON.stringify(after.openReviews),
    latest_at: after.latestAt ?? null,
    latest_index: after.latestIndex ?? null,
  });
}

const EMPTY: Clearance = {
  tenant: "",
  submitted: [],
  owner: undefined,
  approvals: [],
  approved: [],
  complete: [],
  rejections: [],
  openReviews: [],
  latestAt: undefined,
  latestIndex: undefined,
};

function encodeNewest(list: readonly unknown[]): string {
  return JSON.stringify(list.slice(-REMEMBERED_MAX));
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function listIn<T>(row: Row, column: string): readonly T[] {
  return JSON.parse(String(row[column] ?? "[]")) as readonly T[];
}
