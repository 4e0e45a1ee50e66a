import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readWhy } from "./actor.ts";
import { proposeVersion } from "./policy-change.ts";
import { describeVersion, findVersion, openVersion } from "./policy-words.ts";
import { openSession } from "./session.ts";

/** Proposes the content of an earlier version as a new one: it is approved and put in force as every other. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const comment = readWhy(invocation, "comment");
  const session = await openSession(invocation, { thread: false });
  try {
    const earlier = findVersion(session.rows, positionals[0]);
    if (earlier.state === "active") throw usageStop(`version ${earlier.number} is in force already`);
    const version = await proposeVersion(session, invocation, {
      bundle: openVersion(session, earlier),
      comment,
      rollbackOf: earlier.number,
    });
    if (json) terminal.print(JSON.stringify(version));
    terminal.say(describeVersion(version));
    terminal.say(`next: \`nightcore policy activate ${version.number}\`; the files in policies/ stay as they are`);
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}
