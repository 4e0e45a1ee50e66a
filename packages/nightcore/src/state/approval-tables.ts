import type { Table } from "./rows.ts";

/** The projections of the inbox. */
export type ApprovalTableName = "submissions" | "approvals" | "rejections" | "clearances" | "incidents";

/** Every projection of the inbox and its columns. `clearances` has what a decision needs to know of a tenant, in one row. */
export const APPROVAL_TABLES: Readonly<Record<ApprovalTableName, Table>> = {
  submissions: {
    key: "id",
    columns: {
      id: "text",
      file: "text",
      container: "text",
      tenant: "text",
      digest: "text",
      manifest: "text",
      size_bytes: "integer",
      uid: "integer",
      account: "text",
      claimed: "text",
      code: "text",
      message: "text",
      at: "text",
      log_index: "integer",
    },
    indexes: [["tenant"], ["digest"]],
  },
  approvals: {
    // An approval that is handed in for what it was not given for is another record than the one where it belongs.
    key: "record",
    columns: {
      record: "text",
      id: "text",
      tenant: "text",
      digest: "text",
      manifest: "text",
      signer: "text",
      act: "text",
      key_id: "text",
      person: "text",
      expires: "text",
      envelope: "text",
      code: "text",
      message: "text",
      complete: "integer",
      at: "text",
      log_index: "integer",
      revoked_at: "text",
      revoked_by: "text",
      revoked_reason: "text",
      review_due: "text",
      reviewed_at: "text",
      reviewed_by: "text",
      review_comment: "text",
      candidates: "text",
    },
    indexes: [["tenant"], ["id"], ["act"]],
  },
  rejections: {
    key: "log_index",
    columns: {
      log_index: "integer",
      tenant: "text",
      digest: "text",
      reason: "text",
      by: "text",
      at: "text",
      candidates: "text",
    },
    indexes: [["tenant"]],
  },
  clearances: {
    key: "tenant",
    columns: {
      tenant: "text",
      // Lists as JSON, the newest last.
      submitted: "text",
      owner: "integer",
      approvals: "text",
      approved: "text",
      complete: "text",
      rejections: "text",
      open_reviews: "text",
      latest_at: "text",
      latest_index: "integer",
    },
    indexes: [],
  },
  incidents: {
    key: "log_index",
    columns: { log_index: "integer", at: "text", run: "text", tenant: "text", digest: "text", code: "text", message: "text" },
    indexes: [["tenant"], ["at"]],
  },
};
