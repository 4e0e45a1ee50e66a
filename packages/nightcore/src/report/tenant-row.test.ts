import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { checkCommand } from "./tenant-row.ts";

test("the command to check a receipt is safe to paste, whatever a key calls itself", () => {
  const key = "example.org/log+1b2c3d4e+AQID";
  assert.equal(
    checkCommand("01932f0c", key),
    `nightcore receipt show 01932f0c > r.json && nightcore receipt verify r.json --log-key ${key}`,
  );
  for (const hostile of ["$(touch x)", "a'; rm -rf .; '", "`id`", "a b", "--", "a\nb"]) {
    const [, word = ""] = checkCommand("r", hostile).split("--log-key ");
    // The shell itself is the judge of what a quoted word means.
    assert.equal(execFileSync("/bin/sh", ["-c", `printf %s ${word}`], { encoding: "utf8" }), hostile);
  }
});
