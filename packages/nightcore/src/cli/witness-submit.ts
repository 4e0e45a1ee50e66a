import { setTimeout as wait } from "node:timers/promises";
import { encodeTime, quote } from "#core";
import { explainWitnessFault } from "#witness";
import { cancelOnSignal } from "./interruption.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readPublishedCheckpoint } from "./published.ts";
import { archiveOf, logKeyOf, openConfiguration, readNodePublicKey } from "./session.ts";
import { stopOf } from "./unwrap.ts";
import { cosignPublished, readLogPolicy, type Witnessing } from "./witnessing.ts";

const DEADLINE_SECONDS = 30; // LIMIT: a witness that restarts is back by then
const IDLE_SECONDS = 3600; // LIMIT: a witness is told once an hour that a log which did not grow is alive
const GRACE_MS = 1000; // LIMIT: for the cosignatures beyond the quorum

/** Asks the witnesses of a policy to cosign the published checkpoint, and keeps what they signed. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, root } = invocation;
  const file = invocation.text("policy");
  if (file === undefined) throw usageStop("`--policy FILE` is missing", "docs/formats/witness.md shows one");
  const everySeconds = readSeconds(invocation, "every");
  const idleSeconds = readSeconds(invocation, "idle");
  if (idleSeconds !== undefined && everySeconds === undefined) throw usageStop("`--idle` is for `--every`");
  const waitMs = (readSeconds(invocation, "deadline") ?? DEADLINE_SECONDS) * 1000;
  const { layout, configuration } = await openConfiguration(invocation);
  const vkey = logKeyOf({ configuration, publicKey: readNodePublicKey(layout) });
  const witnessing = { layout, policy: readLogPolicy(root, file, vkey), vkey, archive: archiveOf({ layout, configuration }) };
  if (everySeconds === undefined) return (await submit(witnessing, waitMs, invocation)) ? EXIT.ok : EXIT.runFailed;
  const stop = cancelOnSignal();
  let cosigned: { readonly checkpoint: string; readonly atMs: number } | undefined;
  while (!stop.aborted) {
    const checkpoint = readPublishedCheckpoint(layout);
    const idleMs = (idleSeconds ?? Math.max(IDLE_SECONDS, everySeconds)) * 1000;
    // A log that does not grow costs its witnesses one request in a long while; one that is not cosigned yet goes on asking.
    if (cosigned?.checkpoint !== checkpoint || Date.now() - cosigned.atMs >= idleMs) {
      const met = await submit(witnessing, waitMs, invocation);
      cosigned = met ? { checkpoint, atMs: Date.now() } : undefined;
      terminal.say();
    }
    await wait(everySeconds * 1000, undefined, { signal: stop }).catch(() => undefined);
  }
  return EXIT.ok;
}

async function submit(witnessing: Witnessing, waitMs: number, { terminal, json }: Invocation): Promise<boolean> {
  const { policy } = witnessing;
  const { met, size, answers } = await cosignPublished(witnessing, { waitMs, graceMs: GRACE_MS });
  const cosigned: string[] = [];
  for (const { witness, answer } of answers) {
    if (answer.ok) {
      cosigned.push(witness.key.id);
      terminal.say(`${terminal.paint("green", "yes")}  ${quote(witness.name)} has cosigned ${size} entries`);
      continue;
    }
    const { message } = explainWitnessFault(answer.fault);
    terminal.say(`${terminal.paint("red", "no")}   ${message} ${terminal.paint("dim", `[${answer.fault.code}]`)}`);
  }
  for (const { answer } of answers)
    if (!answer.ok && answer.fault.code === "witness/ahead") throw stopOf(answer.fault, explainWitnessFault);
  if (json) terminal.print(JSON.stringify({ size, cosigned, quorum: met, at: encodeTime(Date.now()) }));
  terminal.say(met ? "the quorum is met" : `the quorum ${quote(policy.quorum)} is not met`);
  return met;
}

function readSeconds(invocation: Invocation, name: string): number | undefined {
  const text = invocation.text(name);
  if (text === undefined) return undefined;
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds < 1) throw usageStop(`\`--${name}\` ${quote(text)} is not a number of seconds`);
  return seconds;
}
