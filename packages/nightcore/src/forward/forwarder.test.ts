import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { fail, ok } from "#core";
import { parseDestination } from "./destination.ts";
import { explainForwardFault, type ForwardFault } from "./fault.ts";
import { forward } from "./forwarder.ts";
import { readPosition, writePosition } from "./position.ts";
import { type Batch, openSink } from "./sink.ts";
import { encodeMessages } from "./syslog-sink.ts";

function makeFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-forward-"));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const away: ForwardFault = { code: "forward/unreachable", destination: "d", detail: "away" };

function batchOf(from: number, next: number): Batch {
  const lines = Array.from({ length: next - from }, (_, n) => `line ${from + n}`);
  return { origin: "test.example/log", from, next, lines, checkpointLine: `checkpoint ${next}` };
}

test("every entry is delivered at least once and in order, however often the receiver is away and we die", async () => {
  const deaths = fc.array(fc.constantFrom("fine", "away", "lost confirmation", "death before remembering"), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 9 }), deaths, async (size, step, fates) => {
      const received: string[] = [];
      let remembered = 0;
      let turn = 0;
      const fate = () => fates[turn++] ?? "fine";
      // Each round is one life of the process; a death throws out of `remember`, before the position is kept.
      for (let life = 0; life < 100 && remembered < size; life++) {
        const powers = {
          readBatch: (from: number) => ok(from >= size ? undefined : batchOf(from, Math.min(size, from + step))),
          sink: {
            deliver: async (batch: Batch) => {
              const now = fate();
              if (now === "away") return fail(away);
              received.push(...batch.lines);
              return now === "lost confirmation" ? fail(away) : ok(undefined);
            },
          },
          remember: (next: number) => {
            if (fate() === "death before remembering") throw new Error("killed");
            remembered = next;
          },
          wait: async () => undefined,
          random: () => 0,
        };
        await forward(powers, { from: remembered, triesMax: 3 }).catch(() => undefined);
      }
      const firstSeen = [...new Set(received)];
      assert.deepEqual(
        firstSeen,
        Array.from({ length: size }, (_, n) => `line ${n}`),
      );
    }),
  );
});

test("a receiver that stays away is given up after the tries, and followed for ever with growing pauses", async () => {
  const powers = {
    readBatch: () => ok(batchOf(0, 1)),
    sink: { deliver: async () => fail(away) },
    remember: () => assert.fail("nothing was confirmed"),
    random: () => 1,
  };
  const given = await forward({ ...powers, wait: async () => undefined }, { from: 0, triesMax: 3 });
  assert.ok(!given.ok && given.fault === away);
  const pauses: number[] = [];
  const wait = async (ms: number) => void pauses.push(ms);
  const follow = { pollMs: 10, isStopped: () => pauses.length >= 12 };
  assert.deepEqual(await forward({ ...powers, wait }, { from: 0, triesMax: 1, follow }), ok(0));
  assert.deepEqual(pauses.slice(0, 4), [500, 1000, 2000, 4000]);
  assert.equal(Math.max(...pauses), 60_000);
});

test("a log that became shorter than what was confirmed ends forwarding", async () => {
  const shorter: ForwardFault = { code: "forward/log-shorter", destination: "d", next: 9, size: 3 };
  const powers = { readBatch: () => fail(shorter), remember: () => undefined, wait: async () => undefined, random: () => 0 };
  const done = await forward({ ...powers, sink: { deliver: async () => ok(undefined) } }, { from: 9, triesMax: 1 });
  assert.ok(!done.ok && explainForwardFault(done.fault).message.includes("9 entries"));
});

const DESTINATIONS: readonly (readonly [text: string, read: object | string])[] = [
  ["file:out.jsonl", { kind: "file", path: "out.jsonl" }],
  ["syslog+tls://siem.example", { kind: "syslog", host: "siem.example", port: 6514, tls: true }],
  ["syslog+tls://siem.example:443", { kind: "syslog", host: "siem.example", port: 443, tls: true }],
  ["syslog+tls://[2001:db8::1]:99/", { kind: "syslog", host: "2001:db8::1", port: 99, tls: true }],
  ["syslog+tcp://127.0.0.1:514", { kind: "syslog", host: "127.0.0.1", port: 514, tls: false }],
  ["https://siem.example/in?x=1", { kind: "http", url: "https://siem.example/in?x=1" }],
  ["http://localhost:8080/", { kind: "http", url: "http://localhost:8080/" }],
  ["http://siem.example/", "in the open"],
  ["syslog+tcp://siem.example", "in the open"],
  ["https://user:secret@siem.example/", "password"],
  ["http://@localhost/", "password"],
  ["syslog+tls://siem.example/path", "host and a port only"],
  ["syslog+tls://", "no address"],
  ["ftp://siem.example/", "beginning is unknown"],
  ["file:", "names no file"],
  ["", "beginning is unknown"],
];

for (const [text, expected] of DESTINATIONS) {
  test(`the destination ${JSON.stringify(text)} is ${typeof expected === "string" ? "refused" : "read"}`, () => {
    const read = parseDestination(text);
    if (typeof expected === "string")
      assert.match(read.ok ? "read" : explainForwardFault(read.fault).message, new RegExp(expected));
    else assert.deepEqual(read, ok({ ...expected, name: text }));
  });
}

test("no text makes the reader of destinations throw, and nothing is sent in the open to another machine", () => {
  const pieces = fc.constantFrom(
    "file:",
    "syslog+tls://",
    "syslog+tcp://",
    "http://",
    "https://",
    "[::1]",
    "@",
    ":",
    "0",
    "x",
    "/",
    "\0",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces, { maxLength: 8 }).map((list) => list.join("")),
      ),
      (text) => {
        const read = parseDestination(text);
        if (!read.ok || read.value.kind === "file") return;
        const open = read.value.kind === "syslog" ? !read.value.tls : read.value.url.startsWith("http:");
        if (open) assert.match(text, /^(?:http|syslog\+tcp):\/\/(?:localhost|127\.0\.0\.1|0|\[::1\])/);
      },
    ),
  );
});

test("a position survives, belongs to its destination, and is never guessed", (context) => {
  const folder = makeFolder(context);
  assert.deepEqual(readPosition(folder, "file:a"), ok(0));
  writePosition(folder, "file:a", 7);
  writePosition(folder, "file:b", 9);
  writePosition(folder, "file:a", 8);
  assert.deepEqual([readPosition(folder, "file:a"), readPosition(folder, "file:b")], [ok(8), ok(9)]);
  const [first = "", second = ""] = readdirSync(folder);
  for (const content of ["", "{}", "[", '{"destination":"file:a","next":-1}', readFileSync(join(folder, second), "utf8")]) {
    writeFileSync(join(folder, first), content);
    const reads = ["file:a", "file:b"].map((name) => readPosition(folder, name));
    assert.ok(reads.some((read) => !read.ok && read.fault.code === "forward/position-malformed"));
  }
});

test("a file receives whole lines, and one that a crash cut stands alone", async (context) => {
  const path = join(makeFolder(context), "out.jsonl");
  const sink = openSink({ kind: "file", name: "file:out", path }, {});
  assert.deepEqual(await sink.deliver(batchOf(0, 2)), ok(undefined));
  appendFileSync(path, "line 2");
  assert.deepEqual(await sink.deliver(batchOf(2, 3)), ok(undefined));
  assert.equal(readFileSync(path, "utf8"), "line 0\nline 1\ncheckpoint 2\nline 2\nline 2\ncheckpoint 3\n");
  const absent = openSink({ kind: "file", name: "file:x", path: join(path, "below") }, {});
  const refused = await absent.deliver(batchOf(0, 1));
  assert.ok(!refused.ok && refused.fault.code === "forward/unreachable");
});

test("syslog messages are framed by their length in octets", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 5 }), (lines) => {
      let bytes = Buffer.from(encodeMessages({ origin: "test.example/log", lines, checkpointLine: "c" }));
      for (const line of [...lines, "c"]) {
        const space = bytes.indexOf(0x20);
        const length = Number(bytes.subarray(0, space).toString());
        const message = bytes.subarray(space + 1, space + 1 + length).toString();
        assert.match(message, /^<110>1 - test\.example\/log nightcore - (?:entry|checkpoint) - \ufeff/);
        assert.equal(message.slice(message.indexOf("\ufeff") + 1), line);
        bytes = bytes.subarray(space + 1 + length);
      }
      assert.equal(bytes.length, 0);
    }),
  );
});
