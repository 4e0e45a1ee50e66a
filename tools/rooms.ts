/** A room of packages/nightcore/src: one responsibility, what it may open, and the powers that it holds. */
export type Room = {
  /** What other rooms import: `#name`. It is also the folder under packages/nightcore/src. */
  readonly name: string;
  /** The one file that other rooms may import. */
  readonly door: string;
  readonly opens: readonly string[];
  /** A pure room is compiled without Node's types and has no powers; only `verify` has packages, of pure arithmetic. */
  readonly pure: boolean;
  /** Node's own modules that it may import, without `node:`. */
  readonly powers: readonly string[];
  /** Packages from npm that it may import. */
  readonly packages: readonly string[];
};

/** Where the rooms are, relative to the repository. */
export const ROOMS_FOLDER = "packages/nightcore/src";

const LAW = ["core", "wasm", "attest", "trust", "guardian", "ledger", "state", "ports"] as const;
const STORES = [
  "store/keys",
  "store/blobs",
  "store/modules",
  "store/workspace",
  "store/inbox",
  "store/tiles",
  "store/sqlite",
] as const;

/**
 * The rooms of the design, from the words at the top to the entry at the bottom. Imports go down to up only: a room opens
 * rooms that stand above it. tools/tidy.ts holds the code to this table, and docs/ARCHITECTURE.md draws it.
 */
export const ROOMS: readonly Room[] = [
  pureRoom("core", []),
  pureRoom("wasm", ["core"]),
  pureRoom("attest", ["core"]),
  pureRoom("trust", ["core", "wasm", "attest"]),
  pureRoom("guardian", ["core", "attest", "trust"]),
  pureRoom("ledger", ["core", "attest"]),
  pureRoom("state", ["core"]),
  pureRoom("ports", ["core", "guardian", "ledger", "state"]),
  hand("store/keys", { opens: ["core", "ledger", "state", "ports"], powers: ["crypto", "fs", "path"] }),
  hand("store/blobs", { opens: ["core", "ledger", "state", "ports", "store/keys"], powers: ["crypto", "fs", "path"] }),
  hand("store/modules", { opens: ["core", "ports", "store/keys"], powers: ["fs", "path"] }),
  hand("store/workspace", { opens: ["core", "ports"], powers: ["crypto", "fs", "os", "path"], packages: ["smol-toml"] }),
  // os: the name of the account that a file belongs to.
  hand("store/inbox", {
    opens: ["core", "ports", "store/modules", "store/workspace"],
    powers: ["fs", "os", "path", "stream/consumers", "zlib"],
    packages: ["yauzl"],
  }),
  hand("store/tiles", {
    opens: ["core", "attest", "ledger", "state", "ports", "store/keys"],
    // sqlite: a lock that the system takes away from a process that dies, which Node's own files do not offer.
    powers: ["crypto", "fs", "fs/promises", "path", "sqlite", "timers/promises", "worker_threads"],
  }),
  hand("store/sqlite", {
    opens: ["core", "ledger", "state", "ports", "store/keys"],
    powers: ["crypto", "fs", "path", "sqlite"],
  }),
  hand("engine/v8", {
    opens: ["core", "wasm", "guardian", "ports"],
    powers: ["child_process", "fs", "path", "process", "stream", "url"],
  }),
  hand("engine/library", { opens: ["core", "ports", "engine/v8"], powers: ["crypto"] }),
  hand("cedar", {
    opens: ["core", "guardian"],
    // module, url: where the package's code lies, beside the bundle or in the package.
    powers: ["fs", "module", "path", "url"],
    packages: ["@cedar-policy/cedar-wasm"],
  }),
  hand("forward", { opens: ["core"], powers: ["crypto", "fs", "http", "https", "net", "path", "tls"] }),
  hand("witness", { opens: ["core", "ledger"], powers: ["http", "https", "sqlite"] }),
  pureRoom("worker", ["core", "wasm", "attest", "trust", "guardian", "ledger", "state", "ports"]),
  // Arithmetic from npm, and no power: it runs in a browser.
  {
    ...pureRoom("verify", ["core", "attest", "ledger", "state"]),
    packages: ["@noble/ed25519", "@noble/hashes", "@noble/post-quantum"],
  },
  pureRoom("report", ["core", "ledger", "state"]),
  hand("cli", {
    door: "main.ts",
    opens: [...LAW, ...STORES, "engine/v8", "cedar", "forward", "witness", "worker", "verify", "report"],
    powers: ["crypto", "fs", "os", "path", "process", "timers/promises", "url", "util"],
    packages: ["diff"],
  }),
];

/** The room that a file of the repository belongs to, or undefined when it stands outside of the rooms. */
export function roomOf(path: string): Room | undefined {
  return ROOMS.find((room) => path.startsWith(`${ROOMS_FOLDER}/${room.name}/`));
}

/** Path of a room's door, relative to the repository. */
export function doorOf(room: Room): string {
  return `${ROOMS_FOLDER}/${room.name}/${room.door}`;
}

function pureRoom(name: string, opens: readonly string[]): Room {
  return { name, door: "index.ts", opens, pure: true, powers: [], packages: [] };
}

type Hand = Pick<Room, "opens" | "powers"> & Partial<Pick<Room, "door" | "packages">>;

function hand(name: string, room: Hand): Room {
  return { name, door: "index.ts", pure: false, packages: [], ...room };
}
