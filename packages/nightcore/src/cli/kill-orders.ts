import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { isOrderRecorded, type Rows } from "#state";
import { type Layout, replaceFile } from "#store/workspace";
import { encodeKillOrder, type KillOrder, KillSwitch, parseKillOrder } from "#worker";
import { blockEvent, recordBlock } from "./blocking.ts";
import type { Session } from "./session.ts";

// INVARIANT: an order's file is made before anything is done about it, and stays for a while after it was recorded, so that every
// process that runs guests in this workspace hears of it, whoever records it.
// Asking the system to tell of new files costs each run several milliseconds, and does not work everywhere.
const POLL_MS = 50; // LIMIT: how late an order is heard
const KEPT_MS = 10 * 60_000; // LIMIT: whoever looks every 50 ms has seen it by then
const NAME = /^([0-9a-f]{32})(\.recorded)?\.json$/;

type OrderFile = { readonly order: KillOrder; readonly file: string; readonly recorded: boolean };

/** Gives an order: from here on every process of this workspace obeys it. */
export function giveOrder({ orders }: Layout, order: KillOrder): void {
  replaceFile(join(orders, `${order.id}.json`), encodeKillOrder(order));
}

/** Whether somebody has recorded an order that was given. */
export function isOrderSeen({ orders }: Layout, { id }: KillOrder): boolean {
  return statSync(join(orders, `${id}.recorded.json`), { throwIfNoEntry: false }) !== undefined;
}

/** The orders that lie in the workspace. A file that is none is nobody's order. */
function readOrders({ orders }: Layout): readonly OrderFile[] {
  return listNames(orders).flatMap((name) => {
    const [, id, recorded] = NAME.exec(name) ?? [];
    const bytes = id === undefined ? undefined : readIfStill(join(orders, name));
    const order = id === undefined || bytes === undefined ? undefined : parseKillOrder(bytes, id);
    return order === undefined ? [] : [{ order, file: join(orders, name), recorded: recorded !== undefined }];
  });
}

/** Puts orders into the log that nobody has put there: each as a block, which from then on holds back what it names. */
export async function recordOrders({ layout, rows, recorder }: Pick<Session, "layout" | "rows" | "recorder">): Promise<void> {
  for (const { order, file, recorded } of readOrders(layout)) {
    if (recorded) {
      if (Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > KEPT_MS) rmSync(file, { force: true });
      continue;
    }
    // Dying behind the record and before the new name: the log knows the order, and it is not recorded again.
    if (!isOrderRecorded(rows, order.id)) {
      const { id, target, reason, at } = order;
      await recordBlock({ recorder }, blockEvent([target], { reason, cause: "kill-switch", order: id, at }));
    }
    renameSync(file, join(layout.orders, `${order.id}.recorded.json`));
  }
}

/** A kill switch that hears the orders of a workspace. `close` waits until what it heard is recorded. */
export type OrderWatch = { readonly killSwitch: KillSwitch; close(): Promise<void> };

/**
 * Listens for orders: those that are new, and those that the rows do not know. With a recorder they are put into the log as well;
 * ending guests does not wait for that. POWER: it reads files, and ends runs through the engine's own cancellation only.
 */
export function watchOrders({
  layout,
  rows,
  recorder,
}: { readonly layout: Layout; readonly rows: Pick<Rows, "get"> } & Partial<Pick<Session, "recorder">>): OrderWatch {
  const killSwitch = new KillSwitch();
  const known = new Set(readOrders(layout).flatMap(({ order }) => (isOrderRecorded(rows, order.id) ? order.id : [])));
  let recording: Promise<void> = Promise.resolve();
  const look = () => {
    const fresh = readOrders(layout).filter(({ order }) => !known.has(order.id));
    for (const { order } of fresh) {
      known.add(order.id);
      killSwitch.obey(order);
    }
    if (fresh.length === 0 || recorder === undefined) return;
    const session = { layout, rows, recorder } as Parameters<typeof recordOrders>[0];
    recording = recording.then(() => recordOrders(session));
    // It is looked at when the watch is closed; until then nobody waits for it.
    recording.catch(() => undefined);
  };
  const timer = setInterval(look, POLL_MS).unref();
  look();
  return {
    killSwitch,
    async close() {
      clearInterval(timer);
      // What could not be recorded ends the command, as everywhere; the order's file stays, and so the order.
      await recording;
    },
  };
}

function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readIfStill(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
