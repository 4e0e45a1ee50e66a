import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "#core";
import { encodeKillOrder, type KillOrder, KillSwitch, parseKillOrder } from "#worker";

const ID = "ab".repeat(16);
const KEY = "cd".repeat(32);
const AT = "2026-01-01T00:00:00.000Z";
const order = (target: KillOrder["target"], id = ID): KillOrder => ({ id, target, reason: "r", at: AT });
const TENANT = { kind: "tenant", target: "hello" } as const;
const SIGNER = { kind: "signer", target: KEY } as const;
const EVERYTHING = { kind: "everything", target: "" } as const;

test("an order ends the guests that it matches, those that run and those that start later", () => {
  const scopes = [
    { tenant: "hello", signer: KEY },
    { tenant: "hello", signer: undefined },
    { tenant: "other", signer: KEY },
    { tenant: "other", signer: undefined },
  ];
  const rows: readonly (readonly [target: KillOrder["target"], killed: readonly boolean[]])[] = [
    [TENANT, [true, true, false, false]],
    [SIGNER, [true, false, true, false]],
    [EVERYTHING, [true, true, true, true]],
  ];
  for (const [target, killed] of rows) {
    const killSwitch = new KillSwitch();
    let fired = 0;
    const running = scopes.map((scope) => killSwitch.guard(scope));
    for (const guard of running) guard.addEventListener("abort", () => fired++);
    killSwitch.obey(order(target));
    killSwitch.obey(order(target));
    assert.equal(fired, killed.filter(Boolean).length, "each once");
    assert.deepEqual(
      running.map(({ aborted }) => aborted),
      killed,
    );
    assert.deepEqual(
      scopes.map((scope) => killSwitch.guard(scope).aborted),
      killed,
      "what starts afterwards",
    );
    assert.equal(running[0]?.end()?.id, ID);
  }
});

test("a run that has ended hears nothing more, and the caller's own wish still ends it", () => {
  const killSwitch = new KillSwitch();
  const outer = new AbortController();
  const guard = killSwitch.guard({ tenant: "hello", signer: undefined }, outer.signal);
  let fired = 0;
  guard.addEventListener("abort", () => fired++);
  outer.abort();
  assert.deepEqual([fired, guard.aborted, guard.end()], [1, true, undefined]);
  killSwitch.obey(order(EVERYTHING));
  assert.equal(fired, 1);
});

test("only a whole order is an order, under its own name", () => {
  for (const target of [TENANT, SIGNER, EVERYTHING])
    assert.deepEqual(parseKillOrder(encodeKillOrder(order(target)), ID), order(target));
  const members = JSON.parse(new TextDecoder().decode(encodeKillOrder(order(TENANT)))) as Record<string, unknown>;
  const changes: readonly (readonly [what: string, change: object])[] = [
    ["another id", { id: "00".repeat(16) }],
    ["another format", { format: "nightcore-order/v2" }],
    ["a kind that no guard knows", { kind: "digest" }],
    ["a tenant that is a path", { target: "../x" }],
    ["a signer that is none", { kind: "signer", target: "cd" }],
    ["everything but something", { kind: "everything" }],
    ["no reason", { reason: "" }],
    ["a reason without end", { reason: "x".repeat(1001) }],
    ["no time", { at: "soon" }],
    ["a member too many", { pid: 1 }],
  ];
  for (const [what, change] of changes)
    assert.equal(parseKillOrder(utf8(JSON.stringify({ ...members, ...change })), ID), undefined, what);
  assert.equal(parseKillOrder(encodeKillOrder(order(TENANT)).subarray(0, -10), ID), undefined, "half of one");
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => parseKillOrder(bytes, ID) === undefined));
  fc.assert(
    fc.property(fc.json(), fc.string(), (text, id) => {
      const parsed = parseKillOrder(utf8(text), id);
      if (parsed !== undefined) assert.equal(parsed.id, id);
    }),
  );
});
