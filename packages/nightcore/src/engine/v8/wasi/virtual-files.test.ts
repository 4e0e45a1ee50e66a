import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WebAssembly } from "../web-assembly.ts";
import { CallRecorder } from "./call-recorder.ts";
import { DescriptorTable } from "./descriptor.ts";
import { Errno, ERRNO } from "./errno.ts";
import { FileSystem, link, unlink } from "./file-system.ts";
import { GuestMemory } from "./guest-memory.ts";
import { Content, type FolderNode, Quota } from "./inode.ts";
import { resolvePath } from "./path.ts";
import { seededRandom } from "./random.ts";

const NAMES = new Map(Object.entries(ERRNO).map(([name, errno]) => [errno as number, name]));

function errnoOf(action: () => unknown): string {
  try {
    action();
    return "success";
  } catch (error) {
    assert.ok(error instanceof Errno, String(error));
    return NAMES.get(error.errno) ?? "unknown";
  }
}

/** /a/b/c.txt, /a/up -> .., /a/far -> ../../.., /abs -> /etc, /ring -> ring, /d -> a/b/, /f -> a/b/c.txt */
function sampleFiles(): { readonly files: FileSystem; readonly root: FolderNode } {
  const mount = { guestPath: "/", files: [{ path: "a/b/c.txt", bytes: new Uint8Array(3) }], folders: [], writable: true };
  const files = new FileSystem([mount]);
  const root = files.preopens[0]?.folder;
  const a = root?.entries.get("a")?.node;
  assert.ok(root !== undefined && a?.kind === "folder");
  files.createSymlink(a, "up", "..");
  files.createSymlink(a, "far", "../../..");
  files.createSymlink(root, "abs", "/etc");
  files.createSymlink(root, "ring", "ring");
  files.createSymlink(root, "d", "a/b/");
  files.createSymlink(root, "f", "a/b/c.txt");
  return { files, root };
}

function escapes(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    return error instanceof Errno && error.escapes;
  }
}

test("paths lead where they say, and never out", () => {
  const { root } = sampleFiles();
  const rows: readonly (readonly [path: string, follow: boolean, outcome: string])[] = [
    ["a/b/c.txt", true, "success"],
    ["./a//b/./c.txt", true, "success"],
    ["a/../a/b/../b/c.txt", true, "success"],
    ["a/up/a/b", true, "success"],
    ["a/up/a/up/a/up", true, "success"],
    ["d/c.txt", true, "success"],
    ["abs", false, "success"],
    ["ring", false, "success"],
    ["..", true, "perm"],
    ["a/../..", true, "perm"],
    ["a/far", true, "perm"],
    ["a/far/etc/passwd", false, "perm"],
    ["/a/b/c.txt", true, "perm"],
    ["//a", true, "perm"],
    ["abs", true, "perm"],
    ["abs/passwd", false, "perm"],
    ["ring", true, "loop"],
    ["ring/x", false, "loop"],
    ["", true, "noent"],
    ["missing/x", true, "noent"],
    ["a/b/c.txt/x", true, "notdir"],
    ["f/x", true, "notdir"],
    ["x".repeat(256), true, "nametoolong"],
    ["a/".repeat(2_049), true, "nametoolong"],
  ];
  for (const [path, follow, outcome] of rows) {
    assert.equal(
      errnoOf(() => resolvePath(root, path, follow)),
      outcome,
      path,
    );
    assert.equal(
      escapes(() => resolvePath(root, path, follow)),
      outcome === "perm",
      `only the way out is an escape: ${path}`,
    );
  }
});

test("no path resolves to what is not under its folder", () => {
  const { root } = sampleFiles();
  const a = root.entries.get("a")?.node;
  assert.ok(a?.kind === "folder");
  const component = fc.constantFrom("..", ".", "", "a", "b", "up", "far", "d", "f", "c.txt", "ring", "abs");
  fc.assert(
    fc.property(fc.array(component, { maxLength: 10 }), fc.boolean(), (components, follow) => {
      try {
        const place = resolvePath(a, components.join("/"), follow);
        let folder: FolderNode | undefined = place.parent;
        while (folder !== undefined && folder !== a) folder = folder.parent;
        assert.equal(folder, a);
      } catch (error) {
        assert.ok(error instanceof Errno);
      }
    }),
  );
});

test("a folder that was removed while it is open is empty and has no way back", () => {
  const { root } = sampleFiles();
  const a = root.entries.get("a")?.node;
  assert.ok(a?.kind === "folder");
  unlink(root, "a");
  assert.equal(a.links, 0);
  assert.equal(
    errnoOf(() => resolvePath(a, "../f", true)),
    "perm",
  );
  link(root, "z", a);
  assert.equal(
    errnoOf(() => resolvePath(root, "z/b/c.txt", true)),
    "success",
  );
});

test("a mount's bytes are copied before they are written, and the quota is charged first", () => {
  const original = new Uint8Array([1, 2, 3]);
  const content = new Content(original);
  const quota = new Quota();
  content.write(new Uint8Array([9]), 1, quota);
  assert.deepEqual([...original], [1, 2, 3]);
  const read = new Uint8Array(8);
  assert.deepEqual([content.read(read, 0), ...read.subarray(0, 3)], [3, 1, 9, 3]);
  content.resize(1, quota);
  content.resize(3, quota);
  assert.deepEqual([content.read(read, 0), ...read.subarray(0, 3)], [3, 1, 0, 0]);
  assert.equal(
    errnoOf(() => content.resize(2 ** 40, quota)),
    "nospc",
  );
  assert.equal(content.length, 3);
});

test("numbers of descriptors are reused from the lowest, and those of the streams never", () => {
  const table = new DescriptorTable();
  const one = (): number => table.add({ opened: { kind: "stdin" }, rights: 0, inheriting: 0, flags: 0 });
  assert.deepEqual([one(), one(), one()], [3, 4, 5]);
  table.remove(4);
  table.remove(3);
  assert.deepEqual([one(), one(), one()], [3, 4, 6]);
  assert.equal(
    errnoOf(() => table.get(7)),
    "badf",
  );
  assert.equal(
    errnoOf(() => table.get(-1)),
    "badf",
  );
  assert.equal(
    errnoOf(() => {
      for (;;) one();
    }),
    "mfile",
  );
});

test("no pointer, length or count reaches outside of the memory", () => {
  const memory = new GuestMemory(new WebAssembly.Memory({ initial: 1 }), new CallRecorder());
  const rows: readonly (readonly [string, () => unknown, string])[] = [
    ["the last byte", () => memory.getU8(65_535), "success"],
    ["one past it", () => memory.getU8(65_536), "fault"],
    ["a number across the end", () => memory.getU32(65_533), "fault"],
    ["a pointer that is negative as i32", () => memory.getU32(-4), "fault"],
    ["pointer and length that wrap together", () => memory.slice(-16, 32), "fault"],
    ["a length that is negative as i32", () => memory.slice(0, -1), "fault"],
    ["an empty slice at the end", () => memory.slice(65_536, 0), "success"],
    ["eight times a count that wraps", () => memory.iovecs(0, 0x2000_0001), "fault"],
    ["a count that is negative as i32", () => memory.iovecs(0, -1), "fault"],
    ["more buffers than a call takes", () => memory.iovecs(0, 1_025), "inval"],
    ["text with a NUL", () => memory.text(0, 4), "inval"],
  ];
  for (const [what, action, outcome] of rows) assert.equal(errnoOf(action), outcome, what);
  memory.setBytes(0, new Uint8Array([0xff]));
  assert.equal(
    errnoOf(() => memory.text(0, 1)),
    "ilseq",
  );
});

test("a memory that has grown is read through a new view", () => {
  const raw = new WebAssembly.Memory({ initial: 1, maximum: 4 }) as InstanceType<typeof WebAssembly.Memory> & {
    grow(pages: number): number;
  };
  const memory = new GuestMemory(raw, new CallRecorder());
  memory.setU32(8, 7);
  const readers: readonly (() => number | bigint)[] = [
    () => memory.getU8(8),
    () => memory.getU16(8),
    () => memory.getU32(8),
    () => memory.getU64(8) & 0xffn,
  ];
  for (const read of readers) {
    assert.equal(Number(read()), 7);
    if (raw.buffer.byteLength < 4 * 65_536) raw.grow(1);
    assert.equal(Number(read()), 7);
  }
  assert.equal(memory.getU8(2 * 65_536), 0);
});

test("the seeded stream is ChaCha20, however it is drawn", () => {
  // RFC 8439 A.1, test vectors 1 and 2: key and nonce zero, counters 0 and 1
  const blocks =
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586" +
    "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f";
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 8 }), (lengths) => {
      const fill = seededRandom(new Uint8Array(32));
      const drawn = Buffer.concat(
        lengths.map((length) => {
          const part = new Uint8Array(length);
          fill(part);
          return part;
        }),
      );
      const length = Math.min(drawn.length, 128);
      assert.equal(drawn.subarray(0, length).toString("hex"), blocks.slice(0, length * 2));
    }),
  );
});
