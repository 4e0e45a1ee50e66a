import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { BlockFile } from "./block-file.ts";
import { type FileLayer, nodeFiles, type OpenMode } from "./file-layer.ts";
import { BLOCK_BYTES, STAGE_BYTES } from "./page-memory.ts";

const folder = mkdtempSync(join(tmpdir(), "nightcore-blocks-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const FILE_BYTES = 3 * STAGE_BYTES;
const FILLED = 0xee; // what an earlier life of the file left behind the end

function makeFile(name: string, head: Uint8Array): string {
  const path = join(folder, name);
  const bytes = Buffer.alloc(FILE_BYTES, FILLED);
  bytes.set(head);
  writeFileSync(path, bytes);
  return path;
}

/** What the file is to be: all that was appended, zeros to the next block, and the earlier life behind that. */
function expected(filled: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FILE_BYTES, FILLED);
  bytes.set(filled);
  return bytes.fill(0, filled.length, Math.ceil(filled.length / BLOCK_BYTES) * BLOCK_BYTES);
}

function fillFrom(start: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => ((start + i) * 31) % 251));
}

/** The platform's files, which write past the page cache or refuse to at a chosen moment; `modes` hears how files were opened. */
function filesThat(refuse: "nothing" | "open" | "read", modes: OpenMode[]): FileLayer {
  const direct = new Set<number>();
  const invalid = (): never => {
    throw Object.assign(new Error("EINVAL"), { code: "EINVAL" });
  };
  return {
    ...nodeFiles,
    open(path, mode) {
      if (mode === "direct" && refuse === "open") invalid();
      modes.push(mode);
      const fd = nodeFiles.open(path, mode);
      if (mode === "direct") direct.add(fd);
      return fd;
    },
    read: (fd, bytes, at) => (refuse === "read" && direct.has(fd) ? invalid() : nodeFiles.read(fd, bytes, at)),
    close(fd) {
      direct.delete(fd);
      nodeFiles.close(fd);
    },
  };
}

const LENGTHS = [1, 100, 3_867, 128, 4_096, 1, 8_191, 70_000, STAGE_BYTES - 7, STAGE_BYTES + 1, 5];

for (const refuse of ["nothing", "open", "read"] as const) {
  test(`what is appended follows what was there, where the file system refuses ${refuse} past the page cache`, () => {
    const modes: OpenMode[] = [];
    let all = fillFrom(0, 128);
    const path = makeFile(refuse, all);
    let file = BlockFile.open(filesThat(refuse, modes), path, all.length);
    for (const [i, length] of LENGTHS.entries()) {
      const next = fillFrom(all.length, length);
      file.append(next);
      all = Buffer.concat([all, next]);
      assert.ok(readFileSync(path).equals(expected(all)), `after ${length} bytes more`);
      if (i % 3 !== 2) continue;
      file.close();
      file = BlockFile.open(filesThat(refuse, modes), path, all.length);
    }
    file.close();
    assert.equal(modes.at(-1), refuse === "nothing" ? "direct" : "through");
  });
}

test("a block that is full is not written again, and each write is durable by itself", () => {
  const writes: (readonly [at: number, length: number])[] = [];
  const files: FileLayer = {
    ...nodeFiles,
    writeThrough(fd, bytes, at) {
      writes.push([at, bytes.length]);
      nodeFiles.writeThrough(fd, bytes, at);
    },
  };
  const file = BlockFile.open(files, makeFile("full", fillFrom(0, 128)), 128);
  file.append(fillFrom(128, BLOCK_BYTES - 128));
  file.append(fillFrom(BLOCK_BYTES, 10));
  file.append(fillFrom(BLOCK_BYTES + 10, BLOCK_BYTES));
  file.close();
  assert.deepEqual(writes, [
    [0, BLOCK_BYTES],
    [BLOCK_BYTES, BLOCK_BYTES],
    [BLOCK_BYTES, 2 * BLOCK_BYTES],
  ]);
});

test("a file that is not there is a fault of its own, and nothing stays open", () => {
  const open = new Set<number>();
  const files: FileLayer = {
    ...nodeFiles,
    open: (path, mode) => {
      const fd = nodeFiles.open(path, mode);
      open.add(fd);
      return fd;
    },
    read: () => {
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    },
    close: (fd) => {
      open.delete(fd);
      nodeFiles.close(fd);
    },
  };
  assert.throws(() => BlockFile.open(files, join(folder, "absent"), 0), { code: "ENOENT" });
  assert.throws(() => BlockFile.open(files, makeFile("unreadable", fillFrom(0, 1)), 1), { code: "EIO" });
  assert.equal(open.size, 0);
});
