import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { type Entry, fromBufferPromise, type ZipFile } from "yauzl";
import { type Bytes, fail, ok, quote, type Result } from "#core";
import type { InboxFault, InboxFaultCode, SubmittedFiles } from "#ports";

/** The names that a submission may have, those of a module folder and what it says about itself. There are no others. */
export const SUBMITTED_NAMES: readonly string[] = [
  "module.wasm",
  "manifest.json",
  "module.sig",
  "module.dsse.json",
  "pubkey.b64",
  "module.sha256",
  "submission.json",
];

/** What is read of an archive at the most. */
export const ARCHIVE_LIMITS = {
  // LIMIT: every name that is taken once, the folder that they may lie in, and one to say that there are too many.
  entries: 8,
  // LIMIT: of each file but the module; twice the largest manifest or envelope.
  smallFileBytes: 128 * 1024,
} as const;

/**
 * Unpacks an archive in memory. Its files lie at its root, or all in one folder; whatever is named otherwise refuses the whole
 * archive, so that no name of an archive ever becomes a path. What an entry announces is checked before it is unpacked, and
 * what comes out is held to what was announced.
 */
export async function readArchive(bytes: Bytes, moduleBytesMax: number): Promise<Result<SubmittedFiles, InboxFault>> {
  let zip: ZipFile | undefined;
  try {
    zip = await fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), {
      ...{ lazyEntries: true, decodeStrings: true, validateEntrySizes: true, strictFileNames: true, autoClose: false },
    });
    return await readEntries(zip, moduleBytesMax);
  } catch (error) {
    // The reader's own words: they are about the format, and carry names of the archive, which quote() makes safe.
    return refuse("inbox/archive-malformed", quote(error instanceof Error ? error.message : "it cannot be read", 200));
  } finally {
    zip?.close();
  }
}

async function readEntries(zip: ZipFile, moduleBytesMax: number): Promise<Result<SubmittedFiles, InboxFault>> {
  if (zip.entryCount > ARCHIVE_LIMITS.entries)
    return refuse("inbox/archive-too-many-files", `${zip.entryCount}, and at most ${ARCHIVE_LIMITS.entries} are read`);
  const files = new Map<string, Bytes>();
  let folder: string | undefined;
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileName;
    const slash = name.indexOf("/");
    const inner = name.slice(slash + 1);
    folder ??= name.slice(0, slash + 1);
    if (name.slice(0, slash + 1) !== folder) return refuse("inbox/archive-name-forbidden", quote(name));
    if (inner === "" && folder !== "") continue; // the folder's own entry
    if (!SUBMITTED_NAMES.includes(inner) || files.has(inner)) return refuse("inbox/archive-name-forbidden", quote(name));
    const fault = checkEntry(entry, inner === "module.wasm" ? moduleBytesMax : ARCHIVE_LIMITS.smallFileBytes);
    if (fault !== undefined) return fail(fault);
    const content = await unpack(zip, entry);
    if (crc32(content) !== entry.crc32) return refuse("inbox/archive-malformed", `${quote(name)} is not what it was packed from`);
    files.set(inner, content);
  }
  return files.has("module.wasm") ? ok(files) : refuse("inbox/archive-without-module", "");
}

const FILE_KIND = 0o170000; // stat(2): the bits of a mode that say what it is
const REGULAR = 0o100000;

function checkEntry(entry: Entry, bytesMax: number): InboxFault | undefined {
  const name = quote(entry.fileName);
  // An archive that was made on another system than Unix has no mode; its files are files.
  const kind = (entry.externalFileAttributes >>> 16) & FILE_KIND;
  if (kind !== 0 && kind !== REGULAR) return { code: "inbox/archive-not-a-file", detail: name };
  if (entry.isEncrypted()) return { code: "inbox/archive-not-a-file", detail: `${name} is encrypted` };
  if (entry.uncompressedSize <= bytesMax) return undefined;
  return {
    code: "inbox/archive-too-large",
    detail: `${name} has ${entry.uncompressedSize} bytes, and at most ${bytesMax} are taken`,
  };
}

// `validateEntrySizes` ends the stream with an error as soon as more comes out than was announced.
async function unpack(zip: ZipFile, entry: Entry): Promise<Uint8Array> {
  const content = await buffer(await zip.openReadStreamPromise(entry));
  return new Uint8Array(content.buffer, content.byteOffset, content.length).slice();
}

function refuse(code: InboxFaultCode, detail: string): Result<never, InboxFault> {
  return fail({ code, detail });
}
