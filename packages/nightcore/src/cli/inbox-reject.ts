import { quote } from "#core";
import { explainLedgerFault } from "#ports";
import { aboutModule } from "#worker";
import { openPatientSession, readWhy, signAct } from "./actor.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { brief, findCandidates, nameCandidates, nowText } from "./inbox-words.ts";
import { judgeTenant } from "./judging.ts";
import { unwrap } from "./unwrap.ts";

/** Refuses the bytes that lie there now: approvals from before count no longer, and the agent has to submit something else. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [tenant] = positionals;
  if (tenant === undefined) throw usageStop("a tenant is needed", "`nightcore inbox list` shows them");
  const reason = readWhy(invocation, "reason");
  const session = await openPatientSession(invocation);
  try {
    const { judgement, weighing } = judgeTenant(session, tenant);
    const { digest } = judgement.facts.module;
    if (digest === undefined) throw usageStop(`there is no module of ${quote(tenant)} to reject`);
    const at = nowText(session);
    const by = signAct(session, invocation, { act: "rejection", about: digest, tenant, at, comment: reason });
    const candidates = nameCandidates(findCandidates(judgement.facts, weighing, session.store));
    const event = { kind: "rejection", at, tenant, digest, reason, by, candidates } as const;
    unwrap(await session.recorder.record([{ about: aboutModule(tenant, digest), event }]), explainLedgerFault);
    if (json) terminal.print(JSON.stringify({ tenant, digest, reason, by: by.person ?? by.account }));
    terminal.say(`${brief(digest)} is rejected for ${quote(tenant)}; recorded in the log`);
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}
