/**
 * A process that appends to a ledger with several appenders until it is killed, and writes a line for each acknowledgement:
 * index, payload and checkpoint as JSON, only after the promise has resolved.
 */
import { writeSync } from "node:fs";
import { openWriter, payloadOf } from "./ledger-rig.ts";

const [folder = "", thread = "", name = "", segmentBytes = "65536"] = process.argv.slice(2);
const opened = await openWriter(folder, {
  thread: thread === "thread",
  publishAfterMs: 15,
  segmentBytes: Number(segmentBytes),
});
if (!opened.ok) {
  writeSync(1, `${JSON.stringify({ fault: opened.fault })}\n`);
  process.exit(5);
}
const writer = opened.value;
writeSync(1, `${JSON.stringify({ opened: writer.openedSize })}\n`);

async function appendForever(appender: number): Promise<void> {
  for (let n = 0; ; n++) {
    const payloads = Array.from({ length: (n % 3) + 1 }, (_, i) => payloadOf(`${name} ${appender} ${n} ${i}`));
    const appended = await writer.append(payloads);
    if (!appended.ok) return;
    for (const [i, { index, checkpoint }] of appended.value.entries()) {
      const payload = Buffer.from(payloads[i] ?? []).toString();
      writeSync(1, `${JSON.stringify({ index, payload, checkpoint })}\n`);
    }
  }
}
await Promise.all(Array.from({ length: 5 }, (_, appender) => appendForever(appender)));
