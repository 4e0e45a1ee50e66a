import { type Bytes, type Canary, type CanaryName, makeCanaries, parseCanaryName, type Sha256 } from "#core";
import type { Facts } from "#guardian";
import type { EngineReport } from "#ports";
import type { Event, OutcomeEvent } from "#state";
import type { About } from "./recorder.ts";

/** The decoys of a run: those that the policy of its decision names, but for variables that the run has already. */
export function plantCanaries(
  { policy }: Pick<Facts, "policy">,
  { env, seed, sha256 }: { readonly env: readonly string[]; readonly seed: Bytes; readonly sha256: Sha256 },
): readonly Canary[] {
  const names = (policy.state === "read" ? policy.policy.canaries : undefined) ?? [];
  const isTaken = ({ kind, name }: CanaryName) => kind !== "file" && env.some((one) => one.startsWith(`${name}=`));
  return makeCanaries(
    names.filter((one) => !isTaken(one)),
    seed,
    sha256,
  );
}

/** The decoys that an intent names, as they were planted; undefined when a name is none. */
export function replantCanaries(names: readonly string[], seed: Bytes, sha256: Sha256): readonly Canary[] | undefined {
  const parsed = names.map(parseCanaryName);
  const known = parsed.filter((one) => one !== undefined);
  return known.length === parsed.length ? makeCanaries(known, seed, sha256) : undefined;
}

/** What an outcome brings with it when its guest touched a decoy: a block on its bytes, which whoever signed them does not release. */
export function canaryEvents(
  { run, at, digest }: OutcomeEvent,
  { fault }: Pick<EngineReport, "fault">,
  signer: string | undefined,
): readonly { readonly about: About; readonly event: Event }[] {
  if (fault?.code !== "engine/canary") return [];
  const targets = [{ kind: "digest", target: digest }] as const;
  const reason = `it touched the decoy ${fault.detail}`;
  const event: Event = { kind: "block", at, targets, reason, cause: "canary", causedBy: signer ?? null, run, order: null };
  return [{ about: { name: "block", digest: null }, event }];
}
