import { quote } from "#core";
import { type PolicyVersionRow, readPolicyHead, readPolicyVersion } from "#state";
import { EXIT, type Invocation } from "./invocation.ts";
import { describeVersion } from "./policy-words.ts";
import { openView } from "./session.ts";

/** Tells of every version, the newest first, with everything that people said about it. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const view = await openView(invocation);
  try {
    const newest = readPolicyHead(view.rows, "newest")?.number ?? 0;
    const numbers = Array.from({ length: newest }, (_, n) => newest - n);
    const versions = numbers.flatMap((number) => readPolicyVersion(view.rows, number) ?? []);
    if (json) terminal.print(JSON.stringify({ versions }));
    else for (const version of versions) for (const line of tell(version)) terminal.print(line);
    if (versions.length === 0) terminal.say("no policies were ever proposed here");
  } finally {
    view.close();
  }
  return EXIT.ok;
}

function tell(version: PolicyVersionRow): readonly string[] {
  const { proposedAt, proposedBy, acts, activatedAt, approvers, effect } = version;
  const by = proposedBy === undefined ? "" : ` by ${quote(proposedBy.person)}`;
  const flips = effect === undefined ? "" : `; ${effect.flips} of ${effect.decisions} recorded decisions would have been others`;
  const approved =
    approvers.length === 0 ? "without an approval" : `approved by ${approvers.map((one) => quote(one)).join(", ")}`;
  return [
    describeVersion(version),
    `  ${version.version}`,
    `  ${proposedAt}  proposed${by}${flips}`,
    ...acts.map(
      ({ at, change, by: who, comment }) => `  ${at}  ${change} by ${quote(who?.person ?? "nobody")}: ${quote(comment)}`,
    ),
    ...(activatedAt === undefined ? [] : [`  ${activatedAt}  put in force, ${approved}`]),
  ];
}
