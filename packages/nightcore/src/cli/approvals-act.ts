import { type Digest, quote } from "#core";
import { explainLedgerFault } from "#ports";
import type { Row, Rows } from "#state";
import { isSamePerson } from "#trust";
import { aboutModule } from "#worker";
import { openPatientSession, readWhy, signAct } from "./actor.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { brief, nowText, shown } from "./inbox-words.ts";
import { unwrap } from "./unwrap.ts";

/** `approvals revoke ID` takes an approval back; `inbox review ID` is another person's look at a use of break-glass. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals, command } = invocation;
  const reviewing = command.at(-1) === "review";
  const comment = readWhy(invocation, reviewing ? "comment" : "reason");
  if (reviewing && invocation.text("key") === undefined)
    throw usageStop("`--key FILE` is missing", "a review is signed by another person");
  const session = await openPatientSession(invocation);
  try {
    const row = findApproval(session.rows, positionals[0]);
    if (reviewing && (row["review_due"] === null || row["reviewed_at"] !== null))
      throw usageStop("that is nothing that waits for a review");
    const at = nowText(session);
    const [id, tenant, digest] = [row["id"] as Digest, String(row["tenant"]), row["digest"] as Digest];
    const by = signAct(session, invocation, { act: reviewing ? "review" : "withdrawal", about: id, tenant, at, comment });
    if (reviewing && isSamePerson(by.person ?? "", String(row["person"])))
      throw new CommandStop({
        code: "guardian/actor-refused",
        message: `${quote(by.person ?? "")} broke the glass, and cannot review it`,
        exit: EXIT.denied,
      });
    const event = reviewing
      ? ({ kind: "review", at, tenant, digest, id, comment, by } as const)
      : ({ kind: "withdrawal", at, tenant, digest, id, reason: comment, by } as const);
    unwrap(await session.recorder.record([{ about: aboutModule(tenant, digest), event }]), explainLedgerFault);
    if (json)
      terminal.print(
        JSON.stringify({ id, tenant, digest, [reviewing ? "reviewed" : "revoked"]: at, by: by.person ?? by.account }),
      );
    terminal.say(`the approval ${brief(id)} for ${shown(tenant)} is ${reviewing ? "reviewed" : "revoked"}; recorded in the log`);
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}

const PREFIX_CHARACTERS_MIN = 8; // LIMIT: fewer are too easily mistyped into another one's

function findApproval(rows: Pick<Rows, "scan">, prefix: string | undefined): Row {
  if (prefix === undefined || prefix.length < PREFIX_CHARACTERS_MIN)
    throw usageStop("at least 8 characters of an approval are needed", "`nightcore approvals history` shows them");
  const found = rows.scan("approvals", {}).filter(({ id }) => String(id).startsWith(prefix));
  const [row] = found;
  if (row === undefined) throw usageStop(`no approval begins with ${quote(prefix)}`, "`nightcore approvals history` shows them");
  // The same consent may have been handed in where it does not belong; what it was given for is meant.
  const counted = found.filter(({ code }) => code === null);
  if (new Set(found.map(({ id }) => id)).size > 1)
    throw usageStop(`several approvals begin with ${quote(prefix)}`, "give more characters");
  return counted[0] ?? row;
}
