import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readWhy } from "./actor.ts";
import { recordChange, signAct, weighVersion } from "./policy-change.ts";
import { findVersion } from "./policy-words.ts";
import { openSession } from "./session.ts";
import { quote } from "#core";

/** `policy approve` and `policy reject`: a person's signed word about a proposed version, whether or not it counts. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals, command } = invocation;
  const rejecting = command.at(-1) === "reject";
  const comment = readWhy(invocation, "comment");
  const session = await openSession(invocation, { thread: false });
  try {
    const proposed = findVersion(session.rows, positionals[0]);
    if (proposed.state !== "proposed") throw usageStop(`version ${proposed.number} was put in force already`);
    const act = rejecting ? "rejection" : "approval";
    const by = signAct(session, invocation, { act, number: proposed.number, version: proposed.version, comment });
    const version = await recordChange(session, proposed, { change: rejecting ? "rejected" : "approved", comment, by });
    const { acts, missing } = weighVersion(session, version);
    const problem = acts.at(-1)?.problem;
    if (json)
      terminal.print(
        JSON.stringify({ number: version.number, person: by.person, act, counts: problem === undefined, problem, missing }),
      );
    terminal.say(`${quote(by.person)} ${rejecting ? "rejected" : "approved"} version ${version.number}; recorded in the log`);
    if (problem !== undefined) terminal.say(`${terminal.paint("yellow", "warning")}: it does not count: ${problem}`);
    const next = missing.length === 0 ? `\`nightcore policy activate ${version.number}\` puts it in force` : missing.join("; ");
    terminal.say(`next: ${next}`);
    return problem === undefined ? EXIT.ok : EXIT.denied;
  } finally {
    await session.finish();
  }
}
