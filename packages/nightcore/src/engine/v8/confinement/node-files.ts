import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { basename, dirname } from "node:path";

/** A file of the host, and the path at which it is shown. */
export type Binding = { readonly from: string; readonly to: string };

const LIBRARIES_MAX = 32; // LIMIT: Node needs nine; more means that this is not the Node that we know
const HEAD_BYTES = 4096; // an ELF file keeps its program headers at its beginning

/**
 * The shared libraries and the loader of the running Node, each as the file that the kernel has mapped and under the name that the
 * loader asks for. Undefined where that cannot be told, which leaves the layer out.
 */
export function findNodeLibraries(): readonly Binding[] | undefined {
  try {
    const loader = readInterpreter(process.execPath);
    const mapped = readMapped();
    if (loader === undefined) return []; // linked statically
    const file = mapped.find((path) => /^ld[-.]|^ld-musl|^libc\.musl/.test(basename(path)));
    if (file === undefined || mapped.length > LIBRARIES_MAX) return undefined;
    const libraries = mapped.filter((path) => path !== file).map((from) => ({ from, to: `${dirname(from)}/${nameOf(from)}` }));
    return [{ from: file, to: loader }, ...libraries];
  } catch {
    return undefined; // no /proc, or a Node that is not ELF of 64 bits
  }
}

/** What is mapped executable, once each. proc(5): address, permissions, offset, device, inode, path. */
function readMapped(): readonly string[] {
  const lines = readFileSync("/proc/self/maps", "latin1").matchAll(/^\S+ r-xp \S+ \S+ \d+ +(\/.+\.so(?:\.[\d.]+)?)$/gm);
  return [...new Set([...lines].map(([, path]) => path ?? ""))];
}

/** By convention a library is asked for by its name and first number: `libstdc++.so.6` for `libstdc++.so.6.0.30`. */
function nameOf(path: string): string {
  return basename(path).replace(/(\.so\.\d+)[\d.]*$/, "$1");
}

/** The path of the loader that an executable names, undefined when it names none. elf(5): Elf64_Ehdr, Elf64_Phdr, PT_INTERP. */
function readInterpreter(path: string): string | undefined {
  const head = Buffer.alloc(HEAD_BYTES);
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, head, 0, HEAD_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
  if (head.readUInt32BE(0) !== 0x7f45_4c46 || head[4] !== 2 || head[5] !== 1) throw new RangeError("not ELF, 64 bits");
  const [start, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let at = start; at < start + size * count; at += size) {
    if (head.readUInt32LE(at) !== 3) continue;
    const [from, length] = [Number(head.readBigUInt64LE(at + 8)), Number(head.readBigUInt64LE(at + 32))];
    return head.toString("latin1", from, from + length - 1);
  }
  return undefined;
}
