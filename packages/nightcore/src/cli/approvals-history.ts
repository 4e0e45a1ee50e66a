import { escapeControls } from "#core";
import type { Row } from "#state";
import { CommandStop, EXIT, type Invocation } from "./invocation.ts";
import { brief, type Candidate, findCandidates, shown } from "./inbox-words.ts";
import { type JudgedWorkspace, judgeTenant, judgingPowersOf, type TenantStanding } from "./judging.ts";
import { openView, viewTrust } from "./session.ts";

/** One thing that happened to what waits for people, as it is told. */
type Told = {
  readonly at: string;
  readonly index: number;
  readonly tenant: string;
  readonly digest: string;
  readonly what: string;
  readonly by: string;
  readonly id: string | null;
  /** Why it does not hold now, or did not when it was recorded; null where nothing speaks against it. */
  readonly why: string | null;
  readonly comment: string;
  /** Who could have approved then; null where nobody asked. */
  readonly candidates: readonly string[] | null;
};

/** Everything about approvals, for ever: who could approve, who did, who refused and why, and what lapsed. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [tenant] = positionals;
  const view = await openView(invocation);
  try {
    const where = tenant === undefined ? {} : { where: { tenant } };
    const workspace = { ...view, ...viewTrust(view) };
    const standings = new Standings(workspace);
    const told = [
      ...view.rows.scan("submissions", where).flatMap(tellSubmission),
      ...view.rows.scan("approvals", where).flatMap((row) => tellApproval(row, lapseOf(standings, row))),
      ...view.rows.scan("rejections", where).map(tellRejection),
    ].toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.index - b.index));
    const candidates = tenant === undefined ? [] : candidatesOf(standings, workspace, tenant);
    if (json) terminal.print(JSON.stringify({ history: told, candidates }));
    else {
      for (const one of told) say(invocation, one);
      if (tenant !== undefined) sayCandidates(invocation, candidates);
      if (told.length === 0) terminal.say("nothing was submitted, approved or rejected");
    }
    return EXIT.ok;
  } finally {
    view.close();
  }
}

function tellSubmission(row: Row): readonly Told[] {
  if (row["tenant"] === null) return [];
  const claimed = JSON.parse(String(row["claimed"])) as { readonly submitter: string | null; readonly note: string | null };
  const by = claimed.submitter === null ? String(row["account"]) : `${row["account"]}, who says to be ${claimed.submitter}`;
  return [{ ...base(row), what: "submitted", by, id: null, why: null, comment: claimed.note ?? "", candidates: null }];
}

function tellApproval(row: Row, lapse: string | null): readonly Told[] {
  const glass = row["act"] === "break-glass";
  const by = String(row["person"] ?? "somebody");
  const id = String(row["id"]);
  const why = row["message"] === null ? lapse : String(row["message"]);
  const what = glass ? "broke the glass" : "approved";
  const given = { ...base(row), what, by, id, why, comment: commentOf(row), candidates: candidatesIn(row) };
  const after = { ...given, why: null, candidates: null };
  const later: Told[] = [];
  if (row["revoked_at"] !== null)
    later.push({
      ...after,
      at: String(row["revoked_at"]),
      what: "revoked",
      by: String(row["revoked_by"]),
      comment: String(row["revoked_reason"]),
    });
  if (row["reviewed_at"] !== null)
    later.push({
      ...after,
      at: String(row["reviewed_at"]),
      what: "reviewed",
      by: String(row["reviewed_by"]),
      comment: String(row["review_comment"]),
    });
  return [given, ...later];
}

function tellRejection(row: Row): Told {
  const said = { by: String(row["by"]), comment: String(row["reason"]), candidates: candidatesIn(row) };
  return { ...base(row), ...said, what: "rejected", id: null, why: null };
}

function candidatesIn(row: Row): readonly string[] {
  return JSON.parse(String(row["candidates"])) as readonly string[];
}

function base(row: Row): Pick<Told, "at" | "index" | "tenant" | "digest"> {
  return { at: String(row["at"]), index: Number(row["log_index"]), tenant: String(row["tenant"]), digest: String(row["digest"]) };
}

function commentOf(row: Row): string {
  try {
    const envelope = JSON.parse(String(row["envelope"])) as { readonly payload?: string };
    const statement = JSON.parse(Buffer.from(envelope.payload ?? "", "base64").toString("utf8")) as {
      readonly predicate?: { readonly comment?: unknown };
    };
    return typeof statement.predicate?.comment === "string" ? statement.predicate.comment : "";
  } catch {
    return "";
  }
}

/** Why an approval does not hold now: asked of the same weighing that decides. */
function lapseOf(standings: Standings, row: Row): string | null {
  const standing = standings.of(String(row["tenant"]));
  if (standing === undefined) return "the tenant's module is gone";
  const weighed = standing.weighing.approvals.find(({ approval }) => approval.id === row["id"]);
  if (weighed !== undefined) return weighed.finding?.message ?? null;
  return standing.judgement.facts.module.digest === row["digest"] ? null : "other bytes lie there now";
}

/** How tenants stand now, each judged once. */
class Standings {
  readonly #workspace: JudgedWorkspace;
  readonly #powers: ReturnType<typeof judgingPowersOf>;
  readonly #known = new Map<string, TenantStanding | undefined>();

  constructor(workspace: JudgedWorkspace) {
    this.#workspace = workspace;
    this.#powers = judgingPowersOf(workspace);
  }

  of(tenant: string): TenantStanding | undefined {
    if (!this.#known.has(tenant)) this.#known.set(tenant, this.#judge(tenant));
    return this.#known.get(tenant);
  }

  #judge(tenant: string): TenantStanding | undefined {
    try {
      return judgeTenant(this.#workspace, tenant, {}, this.#powers);
    } catch (error) {
      if (error instanceof CommandStop) return undefined;
      throw error;
    }
  }
}

function candidatesOf(standings: Standings, { store }: JudgedWorkspace, tenant: string): readonly Candidate[] {
  const standing = standings.of(tenant);
  return standing === undefined ? [] : findCandidates(standing.judgement.facts, standing.weighing, store);
}

function say({ terminal }: Invocation, { at, tenant, digest, what, by, id, why, comment, candidates }: Told): void {
  const mark = id === null ? "" : `  ${brief(id)}`;
  terminal.print(`${at}  ${what.padEnd(15)} ${shown(tenant)}  ${brief(digest)}  ${escapeControls(by)}${mark}`);
  if (comment !== "") terminal.print(`    ${escapeControls(comment)}`);
  if (candidates !== null)
    terminal.print(
      terminal.paint(
        "dim",
        `    could have approved then: ${candidates.map((name) => escapeControls(name)).join(", ") || "nobody"}`,
      ),
    );
  if (why !== null) terminal.print(`    ${terminal.paint("yellow", "does not hold")}: ${why}`);
}

function sayCandidates({ terminal }: Invocation, candidates: readonly Candidate[]): void {
  terminal.print("could approve now:");
  for (const { person, key, roles, excluded, approved } of candidates) {
    const note = excluded === undefined ? (approved ? "  has approved" : "") : `  cannot: ${excluded}`;
    terminal.print(`  ${escapeControls(person)}  ${key}  as ${roles.join(", ")}${note}`);
  }
  if (candidates.length === 0)
    terminal.print("  nobody; `nightcore trust add KEY.pub --role approver --tenant TENANT` names somebody");
}
