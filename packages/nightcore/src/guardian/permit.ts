import { type RunId, unreachable } from "#core";
import type { VerifiedModule } from "#trust";
import type { GrantedRun } from "./asked-run.ts";
import type { Decision } from "./decision.ts";
import type { Facts } from "./facts.ts";

const seal = Symbol("permit");

/** The right to execute one verified module once, with what was granted. There is no other way to the engine. */
export class Permit {
  readonly run: RunId;
  readonly module: VerifiedModule;
  readonly grant: GrantedRun;

  constructor(key: typeof seal, run: RunId, module: VerifiedModule, grant: GrantedRun) {
    if (key !== seal) throw new Error("bug: a permit is made by issuePermit only");
    this.run = run;
    this.module = module;
    this.grant = grant;
  }
}

/**
 * Turns an allow into a permit, for the module that the facts were about and no other. Undefined for every other verdict,
 * and in proof mode, which never executes.
 */
export function issuePermit(
  run: RunId,
  module: VerifiedModule,
  { facts, decision }: { readonly facts: Facts; readonly decision: Decision },
): Permit | undefined {
  if (decision.verdict !== "allow" || decision.grant === undefined || facts.mode === "proof") return undefined;
  const same = facts.module.admitted && facts.module.digest === module.admitted.module.digest && facts.tenant === module.tenant;
  if (!same) throw new Error("bug: a decision about one module was used for another");
  return new Permit(seal, run, module, decision.grant);
}

/** The word for a verdict in reports and exit codes. */
export function nameVerdict(verdict: Decision["verdict"]): "allowed" | "held" | "denied" | "quarantined" {
  switch (verdict) {
    case "allow":
      return "allowed";
    case "hold":
      return "held";
    case "deny":
      return "denied";
    case "quarantine":
      return "quarantined";
    default:
      return unreachable(verdict);
  }
}
