import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type Bytes, utf8 } from "#core";
import { checkPolicyFiles, encodePolicyBundle, parsePolicyBundle, type PolicyBundle } from "./policy-bundle.ts";

const BUNDLE: PolicyBundle = {
  files: { "tenant-b.json": "{}", "_default.json": "{}", "default.cedar": "permit (principal, action, resource);" },
  compiler: "cedar/4",
  policies: [
    { id: "all", file: "default.cedar", effect: "permit", verdict: "deny", reason: "why not", text: "permit (…);" },
    { id: "none", file: "default.cedar", effect: "forbid", verdict: "hold", hint: "ask", text: "forbid (…);" },
  ],
};

test("a bundle is read as it was written, and the order of its files means nothing", () => {
  const bytes = encodePolicyBundle(BUNDLE);
  const read = parsePolicyBundle(bytes);
  assert.ok(read.ok);
  assert.deepEqual(JSON.parse(JSON.stringify(read.value)), BUNDLE);
  const reversed = Object.fromEntries(Object.entries(BUNDLE.files).toReversed());
  assert.deepEqual(encodePolicyBundle({ ...BUNDLE, files: reversed }), bytes);
});

const MALFORMED: readonly (readonly [what: string, change: Record<string, unknown>])[] = [
  ["files that are a list", { files: [] }],
  ["a file that is not a text", { files: { "_default.json": 1 } }],
  ["no compiler", { compiler: undefined }],
  ["policies that are no list", { policies: {} }],
  ["a policy without an id", { policies: [{ ...BUNDLE.policies[0], id: 3 }] }],
  ["a policy that neither permits nor forbids", { policies: [{ ...BUNDLE.policies[0], effect: "allow" }] }],
  ["a policy with a verdict that it cannot have", { policies: [{ ...BUNDLE.policies[0], verdict: "allow" }] }],
  ["a policy with a reason that is no text", { policies: [{ ...BUNDLE.policies[0], reason: null }] }],
];
for (const [what, change] of MALFORMED) {
  test(`${what}: the bundle is malformed`, () => {
    const read = parsePolicyBundle(utf8(JSON.stringify({ ...BUNDLE, ...change })));
    assert.equal(!read.ok && read.fault.code, "guardian/bundle-malformed");
  });
}

test("any bytes are a bundle, or a fault", () => {
  const genuine = encodePolicyBundle(BUNDLE);
  const changed = fc
    .tuple(fc.nat(genuine.length - 1), fc.nat(255))
    .map(([at, byte]) => Uint8Array.from(genuine, (old, index) => (index === at ? byte : old)) as Bytes);
  fc.assert(
    fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 200 }) as fc.Arbitrary<Bytes>), (bytes) => {
      const read = parsePolicyBundle(bytes);
      if (read.ok) encodePolicyBundle(read.value);
      else assert.ok(read.fault.code.length > 0);
    }),
  );
});

const REFUSED: readonly (readonly [files: Record<string, string>, problem: RegExp])[] = [
  [{}, /`_default.json` is missing/],
  [{ "_default.json": "{}", "notes.txt": "" }, /`notes.txt` is neither/],
  [{ "_default.json": "{}", "../x.json": "{}" }, /`..\/x.json` is neither/],
  [{ "_default.json": "{" }, /`_default.json` is not strict JSON/],
  [{ "_default.json": '{"max_memory": 4}' }, /`_default.json`: .*max_memory/],
  [{ "_default.json": "{}", "big.cedar": " ".repeat(300_000) }, /`big.cedar` is larger/],
];
for (const [files, problem] of REFUSED) {
  test(`files are refused: ${problem.source}`, () => {
    assert.match(checkPolicyFiles(files).join("\n"), problem);
  });
}

test("files in order have no problems", () => {
  assert.deepEqual(checkPolicyFiles({ "_default.json": "{}", "tenant-a.json": '{"max_exec_ms": 5}', "a.cedar": "" }), []);
});
