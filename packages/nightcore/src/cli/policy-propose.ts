import { EXIT, type Invocation } from "./invocation.ts";
import { readWhy } from "./actor.ts";
import { proposeVersion } from "./policy-change.ts";
import { bundleFiles, readPolicyFiles, unwrapBundle } from "./policy-store.ts";
import { describeBundle, describeVersion, diffFiles, filesInForce, sayDiff } from "./policy-words.ts";
import { simulateOn, tellFlips } from "./policy-simulate.ts";
import { openSession } from "./session.ts";

/** Records the files of `policies/` as a version. Nothing is enforced differently yet. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const comment = readWhy(invocation, "comment");
  const session = await openSession(invocation, { thread: false });
  try {
    const bundle = unwrapBundle(invocation, bundleFiles(readPolicyFiles(session.layout.policies)));
    const before = filesInForce(session);
    const simulation = simulateOn(session, bundle);
    const effect = { decisions: simulation.decisions, flips: simulation.flips.length };
    const version = await proposeVersion(session, invocation, { bundle, comment, effect });
    const diff = diffFiles(before, bundle.files);
    if (json) terminal.print(JSON.stringify({ ...version, diff, flips: simulation.flips }));
    sayDiff(terminal, diff);
    terminal.say(`of the newest ${effect.decisions} recorded decisions it would make ${effect.flips} differently`);
    if (!json) tellFlips(terminal, simulation.flips);
    terminal.say(`${describeVersion(version)}, ${describeBundle(bundle)}`);
    terminal.say(
      `next: \`nightcore policy approve ${version.number} --key APPROVER.key --comment TEXT\`, then \`policy activate\``,
    );
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}
