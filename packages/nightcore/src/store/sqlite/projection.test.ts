import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Row } from "#state";
import { Projection } from "./projection.ts";

const trusted = (digest: string): Row => ({ name: "store", digest, at: "2026-01-01T00:00:00.000Z", log_index: 1 });

function withFile(use: (file: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-projection-"));
  try {
    use(join(folder, "state.db"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a row that was asked for is the newest that was put, before and after each commit", () => {
  withFile((file) => {
    const { projection } = Projection.open(file);
    assert.equal(projection.get("trust", "store"), undefined);
    for (const [n, digest] of ["a", "b", "c"].entries()) {
      projection.put("trust", trusted(digest));
      assert.equal(projection.get("trust", "store")?.["digest"], digest);
      assert.ok(projection.commit(n + 1));
      assert.equal(projection.get("trust", "store")?.["digest"], digest);
      assert.equal(projection.get("trust", "store")?.["digest"], digest, "once more");
      assert.equal(projection.get("tenants", "store"), undefined, "another table");
    }
    projection.close();
  });
});

test("a key behind the last one of its table, and any other, is found as soon as it is there", () => {
  const keys = ["a", "m", "z", "zz", "\u{1f600}", "\uffee", "~", " ", ""];
  const property = fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), fc.boolean()), { maxLength: 12 }), (steps) => {
    withFile((file) => {
      const { projection } = Projection.open(file);
      const put = new Set<string>();
      for (const [n, [key, commits]] of steps.entries()) {
        for (const one of keys) assert.equal(projection.get("deleted_blobs", one) !== undefined, put.has(one), one);
        projection.put("deleted_blobs", { digest: key, at: "t", log_index: n });
        put.add(key);
        if (commits) projection.commit(n + 1);
      }
      for (const one of keys) assert.equal(projection.get("deleted_blobs", one) !== undefined, put.has(one), one);
      projection.close();
    });
  });
  fc.assert(property, { numRuns: 50 });
});

test("numbers are keys too, and are not compared as text", () => {
  withFile((file) => {
    const { projection } = Projection.open(file);
    for (const [n, index] of [9, 10, 100].entries()) {
      projection.put("notices", { log_index: index, kind: "import" });
      assert.ok(projection.commit(n + 1));
    }
    for (const index of [9, 10, 100]) assert.equal(projection.get("notices", String(index))?.["log_index"], index);
    assert.equal(projection.get("notices", "11"), undefined);
    projection.close();
  });
});

test("when somebody else has folded further, what was asked for before is asked again", () => {
  withFile((file) => {
    const [slow, fast] = [Projection.open(file).projection, Projection.open(file).projection];
    assert.equal(slow.get("trust", "store"), undefined);
    slow.put("trust", trusted("slow"));
    fast.put("trust", trusted("fast"));
    assert.ok(fast.commit(5));
    assert.equal(slow.commit(1), false);
    assert.equal(slow.applied, 5);
    assert.equal(slow.get("trust", "store")?.["digest"], "fast");
    slow.close();
    fast.close();
  });
});
