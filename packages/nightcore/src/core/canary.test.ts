import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { canaryNeedles, encodeCanaryName, makeCanaries, parseCanaryName, utf8 } from "#core";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const SEED = new Uint8Array(32).fill(7);

test("a decoy has one spelling, and stands under /home or is a variable", () => {
  for (const text of ["file:/home/app/.ssh/id_ed25519", "environment:AWS_SECRET_ACCESS_KEY", "host:DATABASE_HOST"]) {
    const name = parseCanaryName(text);
    assert.ok(name !== undefined, text);
    assert.equal(encodeCanaryName(name), text);
  }
  const bad = [
    "",
    "file",
    "file:",
    "file:/etc/passwd",
    "file:/home",
    "file:/home/",
    "file:/home/../x",
    "file:/home/a//b",
    "file:home/a",
  ];
  const worse = [
    "environment:A=B",
    "environment:",
    "host:1A",
    "host:a.b",
    `file:/home/${"x".repeat(300)}`,
    "net:A",
    "file:/home/a\n",
  ];
  for (const text of [...bad, ...worse]) assert.equal(parseCanaryName(text), undefined, text.slice(0, 30));
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("file:/home/", "environment:", "host:", ""), (text, before) => {
      const name = parseCanaryName(before + text);
      if (name !== undefined) assert.equal(encodeCanaryName(name), before + text);
    }),
  );
});

test("what a decoy holds follows from the seed and its name, and from nothing else", () => {
  const names = [
    { kind: "environment", name: "A" },
    { kind: "host", name: "A2" },
    { kind: "file", name: "/home/a" },
  ] as const;
  const made = makeCanaries(names, SEED, sha256);
  assert.deepEqual(makeCanaries(names, SEED, sha256), made);
  assert.deepEqual(makeCanaries(names.slice(1), SEED, sha256), made.slice(1));
  assert.match(made[0]?.value ?? "", /^[0-9a-f]{40}$/);
  assert.match(made[1]?.value ?? "", /^[0-9a-f]{24}\.internal$/);
  const other = makeCanaries(names, new Uint8Array(32), sha256);
  assert.equal(new Set([...made, ...other].map(({ value }) => value)).size, 6);
});

test("its value is found in plain, in hexadecimal and in base64, wherever it stands in them", () => {
  const [canary] = makeCanaries([{ kind: "environment", name: "A" }], SEED, sha256);
  assert.ok(canary !== undefined);
  const isFound = (text: string) => canaryNeedles(canary).some((needle) => Buffer.from(text).includes(Buffer.from(needle)));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (before, behind) => {
      const whole = Buffer.concat([before, utf8(canary.value), behind]);
      for (const text of [whole.toString("latin1"), whole.toString("hex"), whole.toString("base64")]) assert.ok(isFound(text));
    }),
  );
  const half = utf8(canary.value.slice(2));
  for (const form of ["latin1", "hex", "base64"] as const) assert.ok(!isFound(Buffer.from(half).toString(form)), form);
});
