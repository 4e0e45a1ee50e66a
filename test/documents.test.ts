import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { DEFAULT_WASM_LIMITS } from "../packages/nightcore/src/wasm/index.ts";
import { REPOSITORY } from "../tools/repository.ts";

const ROOMS = "core|wasm|attest|trust|guardian|inbox|ledger|engine|source|keys|workspace|cli|state|import|worker|forward|witness";

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), "utf8");
}

test("docs/formats/faults.md lists every stable code of the sources, and no other", () => {
  const sources = globSync("packages/nightcore/{src/**/*.ts,bin/*.js}", { cwd: REPOSITORY }).filter(
    (path) => !path.endsWith(".test.ts"),
  );
  const used = new Set(
    sources.flatMap((path) =>
      [...read(path).matchAll(new RegExp(`(?:["[])((?:${ROOMS})/[a-z0-9-]+)["\\]]`, "g"))].map((match) => match[1]),
    ),
  );
  const listed = new Set(
    [...read("docs/formats/faults.md").matchAll(new RegExp(`\`((?:${ROOMS})/[a-z0-9-]+)\``, "g"))].map((match) => match[1]),
  );
  assert.ok(used.size > 100, "the search itself works");
  assert.deepEqual(
    [...used].filter((code) => !listed.has(code)),
    [],
    "undocumented",
  );
  assert.deepEqual(
    [...listed].filter((code) => !used.has(code)),
    [],
    "documented, and gone",
  );
});

test("every link between documents leads somewhere, and every file that a document names exists", () => {
  const documents = globSync("{*.md,docs/**/*.md,vectors/**/*.md}", { cwd: REPOSITORY });
  const broken = documents.flatMap((document) => {
    const text = read(document);
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1] ?? "")
      .filter((link) => !/^[a-z]+:/.test(link));
    const named = [...text.matchAll(/`((?:packages|test|bench|tools|vectors|docs)\/[\w./-]+\.(?:ts|md|json))`/g)].map(
      (match) => match[1] ?? "",
    );
    const missing = [
      ...links.filter((link) => !existsSync(join(REPOSITORY, dirname(document), link))),
      ...named.filter((path) => !existsSync(join(REPOSITORY, path))),
    ];
    return missing.map((path) => `${document}: ${path}`);
  });
  assert.deepEqual(broken, []);
});

test("docs/formats/limits.md tells every bound of the binary format as it is", () => {
  const told = [...read("docs/formats/limits.md").matchAll(/^\| [^|]+ \| ([0-9,]+) \| [^|]+ \|$/gm)];
  assert.deepEqual(
    told.map(([, bound = ""]) => Number(bound.replaceAll(",", ""))),
    Object.values(DEFAULT_WASM_LIMITS),
  );
});
