import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type Bytes, utf8 } from "#core";
import { publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { consistencyPath, rootOf } from "./audit-path.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { parseLogPolicy } from "./log-policy.ts";
import { makeTreeHash } from "./merkle-tree.ts";
import { encodeVkey, encodeWitnessVkey, type LogKey, makeLogKey, makeWitnessKey } from "./vkey.ts";
import { encodeSubmission, judgeSubmission, type WitnessedHead } from "./witnessing.ts";

const hash = makeTreeHash(sha256);
const crypto = { sha256, verifyEd25519 };
const { privateKey } = generateKeyPairSync("ed25519");
const made = makeLogKey(sha256, "example.com/log", publicKeyOf(privateKey));
assert.ok(made.ok);
const key: LogKey = made.value;
const sign = signerOf(privateKey);

/** Hashes of perfect subtrees of a log whose entry `n` is its number, and of another that differs from entry 5 on. */
const subtreeOf =
  (name: string) =>
  (level: number, index: number): Bytes => {
    if (level === 0) return hash.leaf(utf8(`${index < 5 ? "" : name}${index}`));
    return hash.node(subtreeOf(name)(level - 1, index * 2), subtreeOf(name)(level - 1, index * 2 + 1));
  };
const headOf = (size: number, name = "a"): WitnessedHead => ({ size, root: rootOf(hash, size, subtreeOf(name)) });
const checkpointOf = (head: WitnessedHead) => signCheckpoint(head, key, sign);
const proofOf = (from: number, to: number, name = "a") => consistencyPath(hash, { from, to }, subtreeOf(name));
const judge = (body: string | Bytes, head: WitnessedHead | undefined) =>
  judgeSubmission(
    typeof body === "string" ? utf8(body) : body,
    (origin) => (origin === key.name ? { key, head } : undefined),
    crypto,
  );
const statusOf = (body: string | Bytes, head: WitnessedHead | undefined) => {
  const judged = judge(body, head);
  return "status" in judged ? judged.status : 200;
};

const other = makeLogKey(sha256, "other.example/log", publicKeyOf(privateKey));
assert.ok(other.ok);
const stranger = signCheckpoint(headOf(9), other.value, sign);
const unsigned = checkpointOf(headOf(9))
  .replace(/(— \S+ .{20})./, "$1A")
  .replace(/(— \S+ .{20}A)./, "$1A");

const ROWS: readonly (readonly [what: string, status: number, body: string, head: WitnessedHead | undefined])[] = [
  ["the first checkpoint of a log", 200, encodeSubmission({ old: 0, proof: [], checkpoint: checkpointOf(headOf(9)) }), undefined],
  ["a log that grew", 200, encodeSubmission({ old: 6, proof: proofOf(6, 9), checkpoint: checkpointOf(headOf(9)) }), headOf(6)],
  ["the same checkpoint again", 200, encodeSubmission({ old: 9, proof: [], checkpoint: checkpointOf(headOf(9)) }), headOf(9)],
  ["an empty log", 200, encodeSubmission({ old: 0, proof: [], checkpoint: checkpointOf(headOf(0)) }), undefined],
  [
    "a size that the log has wrong",
    409,
    encodeSubmission({ old: 5, proof: proofOf(5, 9), checkpoint: checkpointOf(headOf(9)) }),
    headOf(6),
  ],
  ["a rollback", 409, encodeSubmission({ old: 6, proof: [], checkpoint: checkpointOf(headOf(6)) }), headOf(9)],
  [
    "a rollback that claims to know better",
    400,
    encodeSubmission({ old: 9, proof: [], checkpoint: checkpointOf(headOf(6)) }),
    headOf(9),
  ],
  ["a fork of the same size", 422, encodeSubmission({ old: 9, proof: [], checkpoint: checkpointOf(headOf(9, "b")) }), headOf(9)],
  [
    "a fork that grew",
    422,
    encodeSubmission({ old: 7, proof: proofOf(7, 9, "b"), checkpoint: checkpointOf(headOf(9, "b")) }),
    headOf(7),
  ],
  ["no proof where one is needed", 422, encodeSubmission({ old: 6, proof: [], checkpoint: checkpointOf(headOf(9)) }), headOf(6)],
  [
    "a proof from nothing",
    422,
    encodeSubmission({ old: 0, proof: proofOf(6, 9), checkpoint: checkpointOf(headOf(9)) }),
    undefined,
  ],
  [
    "a proof of another pair of sizes",
    422,
    encodeSubmission({ old: 6, proof: proofOf(5, 9), checkpoint: checkpointOf(headOf(9)) }),
    headOf(6),
  ],
  [
    "an empty tree with a root",
    422,
    encodeSubmission({ old: 0, proof: [], checkpoint: checkpointOf({ size: 0, root: headOf(3).root }) }),
    undefined,
  ],
  ["a log that nobody named", 404, encodeSubmission({ old: 0, proof: [], checkpoint: stranger }), undefined],
  ["a signature that is not the log's", 403, encodeSubmission({ old: 0, proof: [], checkpoint: unsigned }), undefined],
  ["no old size", 400, `\n${checkpointOf(headOf(9))}`, undefined],
  [
    "an old size with a zero in front",
    400,
    encodeSubmission({ old: 0, proof: [], checkpoint: checkpointOf(headOf(9)) }).replace("old 0", "old 00"),
    undefined,
  ],
  [
    "64 hashes",
    400,
    encodeSubmission({ old: 6, proof: Array.from({ length: 64 }, () => headOf(1).root), checkpoint: checkpointOf(headOf(9)) }),
    headOf(6),
  ],
  ["nothing", 400, "", undefined],
];

for (const [what, status, body, head] of ROWS) {
  test(`a witness answers ${status} to ${what}`, () => {
    assert.equal(statusOf(body, head), status);
  });
}

test("of any two heads that it cosigns one is a prefix of the other, whatever it is sent", () => {
  const step = fc.record({ name: fc.constantFrom("a", "b"), size: fc.nat(12), old: fc.nat(12), honest: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let head: WitnessedHead | undefined;
      let world = "";
      for (const { name, size, old, honest } of steps) {
        const from = honest ? (head?.size ?? 0) : old;
        const proof = from > 0 && from < size ? proofOf(from, size, name) : [];
        const judged = judge(encodeSubmission({ old: from, proof, checkpoint: checkpointOf(headOf(size, name)) }), head);
        if ("status" in judged) continue;
        assert.ok(judged.head.size >= (head?.size ?? 0), "never shorter");
        head = judged.head;
        if (size > 5) {
          assert.ok(world === "" || world === name, "never two worlds");
          world = name;
        }
      }
    }),
  );
});

test("no bytes make it throw or cosign", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string().map((text) => utf8(`old 0\n\n${text}`)),
      ),
      (body) => {
        assert.notEqual(statusOf(body, undefined), 200);
      },
    ),
  );
});

const witnesses = ["w1", "w2", "w3"].map((name) => {
  const pair = generateKeyPairSync("ed25519");
  const witness = makeWitnessKey(sha256, `${name}.example`, publicKeyOf(pair.privateKey));
  assert.ok(witness.ok);
  return witness.value;
});
const [w1, w2, w3] = witnesses.map((witness, n) => `witness w${n + 1} ${encodeWitnessVkey(witness)} https://w${n + 1}.example`);
const POLICY = `# who must have seen it\nlog ${encodeVkey(key)}\n${w1}\n${w2}\n${w3}\ngroup two 2 w1 w2 w3\nquorum two\n`;

test("a policy is read, and its quorum counts witnesses", () => {
  const policy = parseLogPolicy(utf8(POLICY), sha256);
  assert.ok(policy.ok, JSON.stringify(policy));
  assert.deepEqual(
    policy.value.witnesses.map(({ name, url }) => [name, url]),
    [1, 2, 3].map((n) => [`w${n}`, `https://w${n}.example`]),
  );
  const ids = witnesses.map(({ id }) => id);
  for (let bits = 0; bits < 8; bits++) {
    const present = ids.filter((_, n) => (bits >> n) % 2 === 1);
    assert.equal(policy.value.isQuorum(new Set(present)), present.length >= 2);
  }
  const none = parseLogPolicy(utf8("quorum none\n"), sha256);
  assert.ok(none.ok && none.value.isQuorum(new Set()));
});

const BAD: readonly (readonly [what: string, policy: string, problem: RegExp])[] = [
  ["no quorum", POLICY.replace("quorum two", ""), /no quorum/],
  ["two quorums", `${POLICY}quorum w1\n`, /line 8: there is a quorum already/],
  ["a quorum of nobody", POLICY.replace("quorum two", "quorum three"), /names no witness/],
  ["a member that comes later", `group g any w9\n${POLICY}`, /line 1: nothing before it/],
  ["a member of two groups", POLICY.replace("quorum two", "group again any w1\nquorum two"), /is a member already/],
  ["a threshold above its members", POLICY.replace("group two 2", "group two 4"), /threshold/],
  ["a threshold of none", POLICY.replace("group two 2", "group two 0"), /threshold/],
  ["a name twice", POLICY.replace("witness w2", "witness w1"), /used already/],
  ["a key under two names", POLICY.replace("group", `${w1?.replace("w1 ", "w9 ")}\ngroup`), /public key is used already/],
  ["a log's key for a witness", `witness w ${encodeVkey(key)}\nquorum w\n`, /refused/],
  ["an unknown word", `${POLICY}mirror x\n`, /neither log/],
];

for (const [what, policy, problem] of BAD) {
  test(`a policy is refused: ${what}`, () => {
    const read = parseLogPolicy(utf8(policy), sha256);
    assert.match(read.ok ? "read" : read.fault.problems.join("\n"), problem);
  });
}

test("no text makes the reader of policies throw", () => {
  const word = fc.constantFrom(
    "log",
    "witness",
    "group",
    "quorum",
    "none",
    "any",
    "all",
    "w1",
    "2",
    "\n",
    " ",
    "#",
    encodeVkey(key),
    w1 ?? "",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
      ),
      (text) => {
        parseLogPolicy(utf8(text), sha256);
      },
    ),
  );
});
