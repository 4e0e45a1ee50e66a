import { crc32, deflateRawSync } from "node:zlib";

/** One entry of an archive that a test makes; what is not said is as a well-behaved writer would have it. */
export type Packed = {
  readonly name: string;
  readonly content: Uint8Array | string;
  readonly mode?: number;
  readonly stored?: boolean;
  readonly flags?: number;
  /** What the archive says, where it lies. */
  readonly saidSize?: number;
  readonly saidCrc?: number;
  /** The name in front of the data, where it differs from the directory's. */
  readonly localName?: string;
};

/** Writes a ZIP archive (APPNOTE 6.3): also one that lies. */
export function packZip(entries: readonly Packed[], saidEntries: number = entries.length): Uint8Array {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, mode, stored = false, flags = 0, saidSize, saidCrc, localName = name } of entries) {
    const bytes = Buffer.from(content);
    const packed = stored ? bytes : deflateRawSync(bytes);
    const fields = Buffer.alloc(22);
    fields.writeUInt16LE(flags | 0x800, 0);
    fields.writeUInt16LE(stored ? 0 : 8, 2);
    fields.writeUInt32LE(saidCrc ?? crc32(bytes), 8);
    fields.writeUInt32LE(packed.length, 12);
    fields.writeUInt32LE(saidSize ?? bytes.length, 16);
    const head = Buffer.concat([Buffer.from("PK\u0003\u0004\u0014\u0000", "latin1"), fields, Buffer.from([0, 0])]);
    head.writeUInt16LE(Buffer.byteLength(localName), 26);
    const place = Buffer.alloc(46);
    place.write("PK\u0001\u0002", "latin1");
    place.writeUInt16LE(0x031e, 4); // made on Unix, so that the mode means something
    place.writeUInt16LE(20, 6);
    fields.copy(place, 8, 0, 20);
    place.writeUInt16LE(Buffer.byteLength(name), 28);
    place.writeUInt32LE(((mode ?? 0o100644) << 16) >>> 0, 38);
    place.writeUInt32LE(offset, 42);
    local.push(head, Buffer.from(localName), packed);
    directory.push(place, Buffer.from(name));
    offset += head.length + Buffer.byteLength(localName) + packed.length;
  }
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", "latin1");
  end.writeUInt16LE(saidEntries, 8);
  end.writeUInt16LE(saidEntries, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...local, ...directory, end]));
}
