/**
 * A process that appends to a ledger with many appenders until it is killed. Its lines are JSON: `starting` before it opens
 * the ledger, `opened` with what had to be mended, and for each acknowledgement, only after the promise has resolved, the
 * first index, the payloads and the checkpoint.
 */
import { writeSync } from "node:fs";
import { openWriter, payloadOf } from "./ledger-rig.ts";

const [folder = "", thread = "", name = "", appenders = "5", segmentBytes = "65536"] = process.argv.slice(2);

/** Writes a whole line. The pipe does not block, so a full one is tried again until there is room. */
function say(line: object): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
  }
}

say({ starting: name });
const opened = await openWriter(folder, {
  thread: thread === "thread",
  publishAfterMs: 5,
  segmentBytes: Number(segmentBytes),
});
if (!opened.ok) {
  say({ fault: opened.fault });
  process.exit(5);
}
const writer = opened.value;
say({ opened: writer.openedSize, recovery: writer.recovery });

async function appendForever(appender: number): Promise<void> {
  for (let n = 0; ; n++) {
    const payloads = Array.from({ length: (n % 3) + 1 }, (_, i) => payloadOf(`${name} ${appender} ${n} ${i}`));
    const appended = await writer.append(payloads);
    if (!appended.ok) return;
    const [first] = appended.value;
    if (first === undefined) return;
    say({
      index: first.index,
      payloads: payloads.map((payload) => Buffer.from(payload).toString()),
      checkpoint: first.checkpoint,
    });
  }
}
await Promise.all(Array.from({ length: Number(appenders) }, (_, appender) => appendForever(appender)));
