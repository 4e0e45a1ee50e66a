import { readPolicyHead } from "#state";
import { findFlip, type Flip } from "#worker";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readWhy } from "./actor.ts";
import { recordChange } from "./policy-change.ts";
import { tellFlips } from "./policy-simulate.ts";
import { describeVersion, findVersion, openVersion } from "./policy-words.ts";
import { readDecisions } from "./recorded-decisions.ts";
import { openSession, openView } from "./session.ts";

/** `policy shadow N` lets a version decide beside the one in force, `off` ends that, and without a word it says where they differed. */
export async function run(invocation: Invocation): Promise<number> {
  const [word] = invocation.positionals;
  if (word === undefined) return report(invocation);
  return change(invocation, word);
}

async function change(invocation: Invocation, word: string): Promise<number> {
  const { terminal, json } = invocation;
  const comment = readWhy(invocation, "comment");
  const session = await openSession(invocation, { thread: false });
  try {
    const tried = readPolicyHead(session.rows, "tried");
    if (word === "off") {
      if (tried === undefined) throw usageStop("no version is being tried");
      await recordChange(session, tried, { change: "trial-ended", comment });
      if (json) terminal.print(JSON.stringify({ tried: null }));
      terminal.say(`version ${tried.number} is tried no longer; recorded in the log`);
      return EXIT.ok;
    }
    const version = findVersion(session.rows, word);
    if (version.state === "active") throw usageStop(`version ${version.number} is in force, and decides anyway`);
    openVersion(session, version);
    await recordChange(session, version, { change: "tried", comment });
    if (json) terminal.print(JSON.stringify({ tried: version.number }));
    terminal.say(
      `${describeVersion(version)} decides beside the one in force from now on; nothing follows from it, and each difference is recorded`,
    );
    return EXIT.ok;
  } finally {
    await session.finish();
  }
}

/** Every recorded decision that the version on trial would have made otherwise. */
async function report(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const view = await openView(invocation);
  try {
    const tried = readPolicyHead(view.rows, "tried");
    if (tried === undefined)
      throw usageStop("no version is being tried", "`nightcore policy shadow N --comment TEXT` tries version N");
    const since = String(view.rows.get("policy_heads", "tried")?.["at"]);
    const flips: Flip[] = [];
    let decisions = 0;
    for (const { index, event } of readDecisions(view, { since })) {
      if (event.trial?.number !== tried.number) continue;
      decisions++;
      const { verdict, reasons } = event.trial;
      const flip = findFlip({ index, event }, { verdict, reasons });
      if (flip !== undefined) flips.push(flip);
    }
    if (json) terminal.print(JSON.stringify({ tried: tried.number, since, decisions, flips }));
    terminal.say(`${describeVersion(tried)} is tried since ${since}: ${decisions} decisions, ${flips.length} of them differ`);
    if (!json) tellFlips(terminal, flips);
    return EXIT.ok;
  } finally {
    view.close();
  }
}
