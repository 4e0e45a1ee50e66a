import type { Digest, Json } from "#core";
import type { PolicyEvent } from "./events.ts";
import type { Row, Rows } from "./rows.ts";

/** What a person said about a proposed version, with the signed statement. */
export type PolicyAct = Pick<PolicyEvent, "at" | "comment" | "by"> & { readonly change: "approved" | "rejected" };

/** A version of the policies as the log tells of it. */
export type PolicyVersionRow = {
  readonly number: number;
  readonly version: Digest;
  readonly state: "proposed" | "active" | "replaced";
  readonly comment: string;
  readonly proposedAt: string;
  readonly proposedBy: PolicyEvent["by"];
  readonly rollbackOf: number | undefined;
  readonly effect: PolicyEvent["effect"];
  readonly acts: readonly PolicyAct[];
  readonly activatedAt: string | undefined;
  readonly approvers: readonly string[];
};

/** Which version is in force, which one is tried beside it, and which number was given last. */
export type PolicyHead = "active" | "tried" | "newest";

/** What is said about versions of the policies: a row for each, and the heads that point at them. */
export function evolvePolicy(rows: Rows, event: PolicyEvent, index: number): void {
  const { number, version, at } = event;
  const key = String(number);
  const row = rows.get("policy_versions", key) ?? makeRow(event, index);
  const point = (name: PolicyHead) => {
    rows.put("policy_heads", { name, number, version, at, log_index: index });
  };
  switch (event.change) {
    case "proposed":
      rows.put("policy_versions", makeRow(event, index));
      return point("newest");
    case "approved":
    case "rejected": {
      const { change, comment, by } = event;
      const acts = [...(JSON.parse(String(row.acts)) as readonly Json[]), { change, at, comment, by }];
      return rows.put("policy_versions", { ...row, acts: JSON.stringify(acts) });
    }
    case "activated":
      rows.put("policy_versions", { ...row, activated_at: at, approvers: JSON.stringify(event.approvers ?? []) });
      return point("active");
    case "tried":
      return point("tried");
    case "trial-ended":
      return rows.put("policy_heads", { name: "tried", number: null, version: null, at, log_index: index });
    default:
      // What a later version of the software says about policies; this one does not show it.
      return;
  }
}

function makeRow({ number, version, comment, at, by, rollbackOf, effect }: PolicyEvent, index: number): Row {
  return {
    ...{ number, version, comment, proposed_at: at, rollback_of: rollbackOf ?? null, log_index: index },
    proposed_by: by === undefined ? null : JSON.stringify(by),
    effect: effect === undefined ? null : JSON.stringify(effect),
    ...{ acts: "[]", activated_at: null, approvers: "[]" },
  };
}

/** The version that a head points at; undefined when it points at none. */
export function readPolicyHead(rows: Pick<Rows, "get">, head: PolicyHead): PolicyVersionRow | undefined {
  const number = rows.get("policy_heads", head)?.number;
  return typeof number === "number" ? readPolicyVersion(rows, number) : undefined;
}

/** A version by its number; undefined when it was never proposed. */
export function readPolicyVersion(rows: Pick<Rows, "get">, number: number): PolicyVersionRow | undefined {
  const row = rows.get("policy_versions", String(number));
  if (row === undefined) return undefined;
  const active = rows.get("policy_heads", "active")?.number === number;
  const read = (column: string) => JSON.parse(String(row[column] ?? "null")) as unknown;
  const activatedAt = row.activated_at === null ? undefined : String(row.activated_at);
  return {
    number,
    version: String(row.version) as Digest,
    state: active ? "active" : activatedAt === undefined ? "proposed" : "replaced",
    comment: String(row.comment),
    proposedAt: String(row.proposed_at),
    proposedBy: (read("proposed_by") ?? undefined) as PolicyEvent["by"],
    rollbackOf: typeof row.rollback_of === "number" ? row.rollback_of : undefined,
    effect: (read("effect") ?? undefined) as PolicyEvent["effect"],
    acts: read("acts") as readonly PolicyAct[],
    activatedAt,
    approvers: read("approvers") as readonly string[],
  };
}
