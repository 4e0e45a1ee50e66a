/**
 * SIGKILL at random moments while 50 appenders work. The suite makes 200 kills; `node test/faults/ledger-kill.test.ts
 * --kills N` makes as many as are wanted, and NIGHTCORE_SEED chooses the moments.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { parseArgs } from "node:util";
import { verifyLedger } from "../../packages/nightcore/src/store/tiles/index.ts";
import { generator, SEED } from "./failing-files.ts";
import { appendUntilKilled, type KillMoment } from "./ledger-killer.ts";
import { assertPromises, openWriter, type Promised, temporaryFolder, VKEY } from "./ledger-rig.ts";

const KILLS = readKills();
const KILLS_PER_LEDGER = 10;
const APPENDERS = 50;
/** Campaigns that run at once, each on a ledger of its own. */
const AT_ONCE = 3;

function readKills(): number {
  const { values } = parseArgs({ options: { kills: { type: "string" } }, strict: false });
  return typeof values["kills"] === "string" ? Number(values["kills"]) : 200;
}

/** Half of the kills come within milliseconds, also while the ledger is still being opened; half after some promises. */
function drawMoment(draw: () => number): KillMoment {
  return draw() < 0.5 ? { afterMs: Math.floor(draw() * 30) } : { entries: 1 + Math.floor(draw() * 200) };
}

type Tally = { kills: number; acknowledged: number; torn: number };

/** Kills one writer of a ledger after the other. After each: all promises are kept, and the next opening tells what it cut. */
async function campaign(folder: string, seed: number, kills: number): Promise<Tally> {
  const draw = generator(seed);
  const promised: Promised = new Map();
  const tally: Tally = { kills: 0, acknowledged: 0, torn: 0 };
  let tornBytes: number | undefined;
  for (; tally.kills < kills; tally.kills++) {
    const life = {
      folder,
      thread: draw() < 0.5,
      name: `life ${tally.kills}`,
      appenders: APPENDERS,
      moment: drawMoment(draw),
      promised,
    };
    const recovery = await appendUntilKilled(life);
    if (recovery !== undefined && tornBytes !== undefined) assert.equal(recovery.tornBytes, tornBytes, "what was cut is told");
    const found = await verifyLedger({ folder, vkey: VKEY });
    // A ledger whose first opening was cut short has nothing in it, and nobody was promised anything.
    if (!found.ok && found.fault.code === "ledger/absent" && promised.size === 0) continue;
    tornBytes = found.ok ? found.value.tornBytes : undefined;
    if (tornBytes !== undefined && tornBytes > 0) tally.torn++;
    await assertPromises(folder, promised, { signatures: false });
  }
  const opened = await openWriter(folder);
  assert.ok(opened.ok, JSON.stringify(opened));
  assert.ok((await opened.value.close()).ok);
  const payloads = await assertPromises(folder, promised);
  assert.equal(new Set(payloads).size, payloads.length, "no entry was recorded twice");
  tally.acknowledged = promised.size;
  return tally;
}

test(`${KILLS} kills in the middle of ${APPENDERS} appenders' work lose nothing that was acknowledged`, async (t) => {
  const root = temporaryFolder(t);
  const ledgers = Array.from({ length: Math.ceil(KILLS / KILLS_PER_LEDGER) }, (_, n) => n);
  const total: Tally = { kills: 0, acknowledged: 0, torn: 0 };
  async function work(): Promise<void> {
    for (let n = ledgers.shift(); n !== undefined; n = ledgers.shift()) {
      const kills = Math.min(KILLS_PER_LEDGER, KILLS - n * KILLS_PER_LEDGER);
      const tally = await campaign(join(root, `ledger-${n}`), SEED + n, kills);
      total.kills += tally.kills;
      total.acknowledged += tally.acknowledged;
      total.torn += tally.torn;
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.equal(total.kills, KILLS);
  assert.ok(total.acknowledged > KILLS);
  t.diagnostic(`${total.acknowledged} acknowledged over ${total.kills} kills, ${total.torn} torn tails, seed ${SEED}`);
});
