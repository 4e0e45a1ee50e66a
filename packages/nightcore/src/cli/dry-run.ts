import { describeV8Engine } from "#engine/v8";
import { nameRules, type Verdict } from "#guardian";
import { judgeModule } from "#worker";
import { encodeExplanation, type Explained, sayExplanation } from "./decision-words.ts";
import { EXIT, type Invocation } from "./invocation.ts";
import { judgingPowersOf } from "./judging.ts";
import { openPolicies } from "./policy-store.ts";
import { readBackend, readRequest, selectSources } from "./request.ts";
import { openView, viewTrust } from "./session.ts";

const EXITS: Readonly<Record<Verdict, number>> = {
  allow: EXIT.ok,
  hold: EXIT.denied,
  deny: EXIT.denied,
  quarantine: EXIT.denied,
};

/** Decides as a run would be decided now, and explains it. Nothing is executed, recorded or changed, and no lock is taken. */
export async function dryRun(invocation: Invocation, mode: "run" | "proof"): Promise<number> {
  const { terminal, json } = invocation;
  const backend = readBackend(invocation);
  const request = readRequest(invocation, mode);
  const view = await openView(invocation);
  try {
    const { store, trustStore } = viewTrust(view);
    const { isolation } = describeV8Engine();
    const policies = openPolicies(view.layout, view.rows);
    const powers = { ...judgingPowersOf({ ...view, store, trustStore }, policies), backend, isolation };
    const { bundle } = policies;
    const sources = selectSources(invocation, view.layout, view.configuration.moduleBytesMax);
    const explained = sources.map((source): Explained => {
      const { facts, decision } = judgeModule(source, request, powers);
      return { facts, decision, bundle, engine: powers.policyEngine, rules: nameRules(powers.policyEngine) };
    });
    if (json) terminal.print(JSON.stringify({ dryRun: true, decisions: explained.map((one) => encodeExplanation(one)) }));
    else for (const one of explained) sayExplanation(terminal, one);
    terminal.say("decided only: nothing was executed, and nothing was recorded");
    return Math.max(EXIT.ok, ...explained.map(({ decision }) => EXITS[decision.verdict]));
  } finally {
    view.close();
  }
}
