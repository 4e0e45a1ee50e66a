import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A runtime that people use to run one WebAssembly module from the command line. `run` is its command without the module. */
export type Runtime = {
  readonly name: string;
  readonly run: readonly [command: string, ...args: string[]];
  /** Whether a promise is about it; the others are told. */
  readonly promised: boolean;
};

/** The runtimes that can be had on this machine, fetched into a folder, and a sentence for each that cannot. */
export function fetchRuntimes(folder: string): { readonly runtimes: readonly Runtime[]; readonly missing: readonly string[] } {
  const runtimes: Runtime[] = [];
  const missing: string[] = [];
  for (const fetchOne of [fetchWazero, fetchBun]) {
    try {
      runtimes.push(fetchOne(folder));
    } catch (error) {
      missing.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { runtimes, missing };
}

function command(cwd: string, name: string, args: readonly string[]): string {
  const run = spawnSync(name, args, { cwd, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${name} failed: ${run.error?.message ?? run.stderr.trim().split("\n").at(-1) ?? ""}`);
  return run.stdout;
}

/** Debian's own build, from the distribution that is always newest, unpacked and not installed: apt's state here is private. */
function fetchWazero(folder: string): Runtime {
  const home = join(folder, "apt");
  for (const inner of ["state/lists/partial", "cache/archives/partial"]) mkdirSync(join(home, inner), { recursive: true });
  writeFileSync(join(home, "status"), "");
  writeFileSync(join(home, "sources.list"), `deb ${findDebianMirror()} sid main\n`);
  const options = {
    "Dir::Etc::SourceList": join(home, "sources.list"),
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State": join(home, "state"),
    "Dir::State::status": join(home, "status"),
    "Dir::Cache": join(home, "cache"),
    "Acquire::Languages": "none",
    ...(process.getuid?.() === 0 ? { "APT::Sandbox::User": "root" } : {}), // apt's own user cannot enter our folder
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  command(home, "apt-get", [...flags, "update"]);
  command(home, "apt-get", [...flags, "download", "wazero"]);
  const [file] = globSync("wazero_*.deb", { cwd: home });
  if (file === undefined) throw new Error("apt-get downloaded nothing");
  command(home, "dpkg-deb", ["-x", file, "root"]);
  const version = /^wazero_([^_]+)_/.exec(file)?.[1] ?? "";
  return { name: `wazero run (Debian ${version})`, run: [join(home, "root/usr/bin/wazero"), "run"], promised: false };
}

/** The mirror that this machine takes its Debian packages from, with its keyring where one is named. */
function findDebianMirror(): string {
  const files = ["/etc/apt/sources.list", ...globSync("/etc/apt/sources.list.d/*.{list,sources}")];
  for (const text of files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8"))) {
    const uri = /^(?:URIs:|deb\s+(?:\[[^\]]*\]\s+)?)\s*(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(text)?.[1];
    if (uri === undefined) continue;
    const keyring = /^Signed-By:\s*(\/\S+)/m.exec(text)?.[1] ?? /\bsigned-by=([^\]\s]+)/.exec(text)?.[1];
    return keyring === undefined ? uri : `[signed-by=${keyring}] ${uri}`;
  }
  throw new Error("wazero cannot be fetched: apt names no Debian mirror here");
}

function fetchBun(folder: string): Runtime {
  const machine = process.arch === "arm64" ? "aarch64" : process.arch;
  const home = join(folder, "bun");
  mkdirSync(home, { recursive: true });
  const name = `@oven/bun-${process.platform}-${machine}`;
  command(home, "npm", ["install", "--prefix", home, "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", name]);
  const bun = join(home, "node_modules", name, "bin/bun");
  return { name: `bun ${command(home, bun, ["--version"]).trim()} run`, run: [bun, "run"], promised: true };
}
