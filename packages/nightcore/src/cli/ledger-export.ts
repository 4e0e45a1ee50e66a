import { closeSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { quote } from "#core";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readExportForm, readIndex, renderEnd, renderEntries } from "./log-export.ts";
import { openConfiguration, openReader, readNodePublicKey } from "./session.ts";

const LINES_AT_ONCE = 500; // LIMIT: lines that are held before they are written

/** Writes published entries, one in a line, and in the end the checkpoint that covers them and where to go on. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, root } = invocation;
  const form = readExportForm(invocation);
  const from = readIndex(invocation, "from") ?? 0;
  const { layout, configuration } = await openConfiguration(invocation);
  const source = { layout, configuration, publicKey: readNodePublicKey(layout) };
  const reader = openReader(source);
  const { size } = reader.published;
  const to = Math.min(readIndex(invocation, "to") ?? size, size);
  if (from > size) throw usageStop(`\`--from\` ${from} is past the ${size} entries that are published`);
  const out = invocation.text("out");
  const fd = out === undefined ? undefined : openNew(resolve(root, out), out);
  const write = (lines: readonly string[]) => {
    if (fd === undefined) terminal.print(lines.join("\n"));
    else writeWhole(fd, `${lines.join("\n")}\n`);
  };
  let held: string[] = [];
  for (const line of renderEntries(reader, { source, from, to, form })) {
    held.push(line);
    if (held.length < LINES_AT_ONCE) continue;
    write(held);
    held = [];
  }
  write([...held, renderEnd(reader, source, to)]);
  if (fd !== undefined) closeSync(fd);
  terminal.say(`${Math.max(0, to - from)} entries exported; the next is ${to}`);
  return EXIT.ok;
}

function openNew(path: string, shown: string): number {
  try {
    return openSync(path, "wx", 0o640);
  } catch {
    throw usageStop(`the file ${quote(shown)} cannot be made`, "an export never writes over a file; name a new one");
  }
}

function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}
