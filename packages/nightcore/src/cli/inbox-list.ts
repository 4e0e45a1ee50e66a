import type { Row, Rows } from "#state";
import { listPending } from "#store/inbox";
import { CommandStop, EXIT, type Invocation } from "./invocation.ts";
import { brief, nameMissing, nowText, shown, stateOf } from "./inbox-words.ts";
import { judgeTenant, judgingPowersOf } from "./judging.ts";
import { openView, viewTrust } from "./session.ts";
import type { Colour } from "./terminal.ts";

const COLOURS: Readonly<Record<string, Colour>> = { approved: "green", waiting: "yellow", "break-glass": "red", refused: "red" };

type Listed = {
  readonly tenant: string;
  readonly digest: string | null;
  readonly state: string;
  readonly needs: string | null;
  readonly submittedAt: string | null;
  readonly submitter: string | null;
  readonly file: string | null;
  readonly reason: { readonly code: string; readonly message: string } | null;
};

/** Lists the tenants of the inbox and how each stands now, the files that wait, and uses of break-glass that nobody reviewed. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const view = await openView(invocation);
  try {
    const workspace = { ...view, ...viewTrust(view) };
    const tenants = view.rows
      .scan("clearances", {})
      .map(({ tenant }) => String(tenant))
      .toSorted();
    const powers = judgingPowersOf(workspace);
    const listed = tenants.map((tenant): Listed => {
      const submission = lastSubmission(view.rows, tenant);
      const base = {
        tenant,
        submittedAt: textOf(submission, "at"),
        submitter: textOf(submission, "account"),
        file: textOf(submission, "file"),
      };
      try {
        const { judgement, weighing } = judgeTenant(workspace, tenant, {}, powers);
        const [reason] = judgement.decision.reasons;
        const why = reason === undefined ? null : { code: reason.code, message: reason.message };
        const needs = nameMissing(weighing);
        const digest = judgement.facts.module.digest ?? null;
        return { ...base, digest, state: stateOf(weighing), needs: needs === "" ? null : needs, reason: why };
      } catch (error) {
        if (!(error instanceof CommandStop)) throw error;
        return { ...base, digest: null, state: "refused", needs: null, reason: { code: error.code, message: error.message } };
      }
    });
    const waiting = listPending(view.layout.inbox.pending, 0).map(({ name }) => name);
    const reviews = findOpenReviews(view.rows);
    if (json) terminal.print(JSON.stringify({ tenants: listed, pendingFiles: waiting, openReviews: reviews }));
    else {
      for (const one of listed) tell(invocation, one);
      for (const review of reviews) tellReview(invocation, review);
      if (waiting.length > 0)
        terminal.say(`${waiting.length} files wait in inbox/agent/pending: \`nightcore inbox sweep\` takes them in`);
      if (listed.length === 0 && waiting.length === 0) terminal.say("the inbox is empty");
    }
    return EXIT.ok;
  } finally {
    view.close();
  }
}

function tell({ terminal }: Invocation, { tenant, state, needs, submittedAt, submitter, digest, reason }: Listed): void {
  const colour = COLOURS[state];
  const word = state.padEnd(11);
  const came = submittedAt === null ? "" : `  submitted ${submittedAt} by ${shown(submitter)}`;
  terminal.print(`${colour === undefined ? word : terminal.paint(colour, word)} ${shown(tenant)}  ${brief(digest)}${came}`);
  if (needs !== null && state !== "break-glass") terminal.print(`            needs ${needs}`);
  if (reason !== null && reason.code !== "guardian/approval-missing")
    terminal.print(`            ${reason.message} [${reason.code}]`);
}

function tellReview({ terminal }: Invocation, { tenant, person, at, due, id }: OpenReview): void {
  const late = due <= nowText() ? ", and it is late: nobody else breaks the glass until then" : "";
  const how = `another person reviews it by ${due}${late}: \`nightcore inbox review ${brief(id)}\``;
  terminal.print(
    `${terminal.paint("red", "review".padEnd(11))} ${shown(tenant)}: ${shown(person)} broke the glass at ${at}; ${how}`,
  );
}

/** The newest submission of a tenant that was taken in. */
export function lastSubmission(rows: Pick<Rows, "scan">, tenant: string): Row | undefined {
  return rows
    .scan("submissions", { where: { tenant } })
    .toSorted((a, b) => Number(a["log_index"]) - Number(b["log_index"]))
    .at(-1);
}

/** A use of break-glass that another person has to look at. */
export type OpenReview = {
  readonly id: string;
  readonly tenant: string;
  readonly person: string;
  readonly at: string;
  readonly due: string;
};

/** Uses of break-glass that nobody has reviewed, in every tenant. */
export function findOpenReviews(rows: Pick<Rows, "scan">): readonly OpenReview[] {
  return rows
    .scan("approvals", { where: { act: "break-glass" } })
    .filter((row) => row["code"] === null && row["reviewed_at"] === null)
    .map((row) => ({
      ...{ id: String(row["id"]), tenant: String(row["tenant"]), person: String(row["person"]) },
      ...{ at: String(row["at"]), due: String(row["review_due"]) },
    }));
}

function textOf(row: Row | undefined, column: string): string | null {
  const value = row?.[column];
  return typeof value === "string" ? value : null;
}
