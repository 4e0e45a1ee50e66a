import { type Block, type BlockKind, quote } from "#core";
import type { Reason } from "./decision.ts";
import type { Facts } from "./facts.ts";

const WORDS: Readonly<Record<BlockKind, readonly [code: string, what: string]>> = {
  digest: ["guardian/quarantined", "these bytes are in quarantine"],
  signer: ["guardian/signer-blocked", "what this key signed is blocked"],
  tenant: ["guardian/tenant-blocked", "this tenant is blocked"],
  imports: ["guardian/imports-blocked", "modules with these imports are blocked"],
  everything: ["guardian/everything-blocked", "everything is blocked"],
};

/** A reason for each block in force that matches. Facts of before there were kinds of blocks decide as they did. */
export function refuseBlocked({ blocks = [], quarantine, module }: Facts): readonly Reason[] {
  const old: readonly Reason[] =
    quarantine === undefined
      ? []
      : [reason("guardian/quarantined", `these bytes are in quarantine since ${quarantine.at}: ${quote(quarantine.reason)}`)];
  return [...old, ...blocks.map((block) => refuse(block, module.digest))];
}

const GIVEN = ["guardian/input-blocked", "what the run would be given is in quarantine"] as const;
const CONTAINED = ["guardian/contained", "these bytes are contained for what they did"] as const;

function refuse({ id, kind, target, reason: why, cause, at }: Block, digest: string | undefined): Reason {
  const given = kind === "digest" && target !== digest;
  const [code, what] = given ? GIVEN : cause === "containment" ? CONTAINED : WORDS[kind];
  return reason(code, `${what} since ${at}: ${quote(why)} (block ${id})`);
}

function reason(code: string, message: string): Reason {
  return { verdict: "quarantine", code, message };
}
