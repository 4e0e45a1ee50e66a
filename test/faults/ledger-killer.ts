import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Recovery } from "../../packages/nightcore/src/ports/index.ts";
import type { Promised } from "./ledger-rig.ts";

const APPENDER = join(import.meta.dirname, "ledger-appender.ts");

type Line = {
  readonly starting?: string;
  readonly opened?: number;
  readonly recovery?: Recovery;
  readonly fault?: unknown;
  readonly index?: number;
  readonly payloads?: readonly string[];
  readonly checkpoint?: string;
};

/** When to kill: so long after the process turned to the ledger, its opening included, or after so many acknowledged entries. */
export type KillMoment = { readonly afterMs: number } | { readonly entries: number };

export type AppenderLife = {
  readonly folder: string;
  readonly thread: boolean;
  readonly name: string;
  readonly appenders: number;
  readonly moment: KillMoment;
  readonly promised: Promised;
};

/**
 * Starts an appender process, kills it at its moment, and adds what it was promised. Returns what its opening said that it
 * had mended; undefined when it was killed before it could say so.
 */
export async function appendUntilKilled(life: AppenderLife): Promise<Recovery | undefined> {
  const { folder, thread, name, appenders, moment, promised } = life;
  const args = [APPENDER, folder, thread ? "thread" : "local", name, String(appenders)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const kill = (): boolean => child.kill("SIGKILL");
  let recovery: Recovery | undefined;
  let seen = 0;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = readLine(text);
    if (line === undefined) break; // the line that was cut by the kill: not acknowledged to anybody
    assert.equal(line.fault, undefined, text);
    if (line.starting !== undefined && "afterMs" in moment) void sleep(moment.afterMs).then(kill);
    recovery ??= line.recovery;
    seen += note(line, promised);
    if ("entries" in moment && seen >= moment.entries) kill();
  }
  kill();
  await exited;
  assert.equal(child.signalCode, "SIGKILL", "nothing but the kill ended it");
  return recovery;
}

function readLine(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

/** Adds the entries of an acknowledgement to what was promised; returns how many they were. */
function note({ index, payloads, checkpoint }: Line, promised: Promised): number {
  if (index === undefined || payloads === undefined || checkpoint === undefined) return 0;
  for (const [i, payload] of payloads.entries()) {
    const before = promised.get(index + i);
    assert.ok(before === undefined || before.payload === payload, `index ${index + i} was promised twice`);
    promised.set(index + i, { payload, checkpoint });
  }
  return payloads.length;
}
