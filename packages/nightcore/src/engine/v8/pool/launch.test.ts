import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runLaunch, withScript } from "../confinement/attempt.test.ts";
import { REPOSITORY } from "../fixture.test.ts";
import { type Launch, planLaunches } from "./launch.ts";
import { SandboxProcess } from "./sandbox-process.ts";

const launches = planLaunches();
const nameOf = ({ isolation, groups }: Launch): string =>
  `${isolation.findLast((layer) => !layer.startsWith("cgroup-")) ?? ""}${groups === undefined ? "" : " with limits"}`;
const confined = launches.find(({ isolation }) => isolation.includes("bubblewrap"));

const ATTACKS: readonly (readonly [attack: string, script: string])[] = [
  ["read a system file", 'require("node:fs").readFileSync("/etc/passwd")'],
  ["read the workspace", `require("node:fs").readdirSync(${JSON.stringify(REPOSITORY)})`],
  [
    "read a room that it does not load",
    `require("node:fs").readdirSync(${JSON.stringify(join(import.meta.dirname, "../../../store"))})`,
  ],
  ["write next to its own code", 'require("node:fs").writeFileSync(process.argv0 + ".new", "")'],
  ["write a temporary file", 'require("node:fs").writeFileSync("/tmp/nightcore-escape", "")'],
  ["start a process", 'require("node:child_process").execSync("id")'],
  ["load native code", 'process.dlopen({ exports: {} }, "/nonexistent.node")'],
];

/** Harmless where nothing of the host is left, or silent about its failure. */
const FOR_PERMISSION: typeof ATTACKS = [
  ["start a thread", 'new (require("node:worker_threads").Worker)("", { eval: true })'],
  ["open the inspector", 'require("node:inspector").open(0)'],
];

const attempt = (script: string): string =>
  `try { ${script}; console.log("REACHED"); } catch (error) { console.log(error.code); }`;

for (const launch of launches) {
  test(`under ${nameOf(launch)}, Node's permission model leaves nothing of the host`, () => {
    for (const [attack, script] of [...ATTACKS, ...FOR_PERMISSION]) {
      const { printed } = runLaunch(withScript(launch, attempt(script)));
      assert.doesNotMatch(printed, /REACHED/, attack);
      assert.match(printed, /ERR_ACCESS_DENIED|ERR_DLOPEN_DISABLED|ERR_/, attack);
    }
  });
}

test("without the permission model, what bubblewrap leaves is nothing of the host either", (t) => {
  if (confined === undefined) return t.skip("bubblewrap is not here; on Debian: apt-get install bubblewrap");
  for (const [attack, script] of ATTACKS) {
    const { printed } = runLaunch(withScript(confined, attempt(script), "bare"));
    assert.doesNotMatch(printed, /REACHED/, attack);
    assert.match(printed, /ENOENT|EROFS|EPERM|ERR_|undefined/, attack);
  }
  const rows: readonly (readonly [looks: string, script: string, sees: string])[] = [
    ["at the root", "(() => { try { return fs.readdirSync('/'); } catch (e) { return e.code; } })()", "EPERM"],
    ["for its user", "[process.getuid(), process.getgid()]", "65534,65534"],
    ["for its process id", "process.pid", "1"],
    ["at the host's name", 'require("node:os").hostname()', "sandbox"],
    [
      "at interfaces",
      "(() => { try { return Object.keys(os.networkInterfaces()); } catch (e) { return e.code; } })()",
      "ERR_SYSTEM_ERROR",
    ],
    ["at the environment", "Object.entries(process.env)", "PWD,/"], // bubblewrap says where it is
  ];
  for (const [looks, script, sees] of rows) {
    assert.equal(runLaunch(withScript(confined, `console.log(String(${script}))`, "bare")).printed, sees, looks);
  }
});

test("a control: an unconfined Node reaches what the attacks want", () => {
  const bare: Launch = { command: process.execPath, args: [""], isolation: [] };
  for (const [attack, script] of ATTACKS.slice(0, 3)) {
    assert.match(runLaunch(withScript(bare, attempt(script))).printed, /REACHED/, attack);
  }
});

test("the network is not reachable from a sandbox", () => {
  const script = 'require("node:net").connect(1, "127.0.0.1").on("error", (error) => console.log(error.code))';
  const connect = (launch: Launch, permission: "permission" | "bare"): string =>
    runLaunch(withScript(launch, script, permission)).printed;
  assert.equal(connect({ command: process.execPath, args: [""], isolation: [] }, "bare"), "ECONNREFUSED", "a control");
  if (confined !== undefined) assert.equal(connect(confined, "bare"), "EPERM");
  const modelCoversIt = Number(process.versions.node.split(".")[0]) >= 25;
  if (modelCoversIt) for (const launch of launches) assert.match(connect(launch, "permission"), /ERR_ACCESS_DENIED|EPERM/);
});

/** Starts what the pool starts, in a worker that was left with a descriptor, and shows it from outside once it is ready. */
async function withSandbox(launch: Launch, look: (pid: string) => void): Promise<void> {
  const started = Promise.withResolvers<unknown>();
  const before = childrenOf(process.pid);
  const sandbox = new SandboxProcess(
    { ...launch, onStarted: started.resolve },
    { onOutcome: () => undefined, onReturned: () => undefined, onSlow: () => undefined, onDead: () => undefined },
  );
  sandbox.hold(true);
  try {
    assert.equal(await started.promise, undefined);
    const [child = ""] = childrenOf(process.pid).filter((one) => !before.includes(one));
    look(launch.isolation.includes("bubblewrap") ? (childrenOf(child)[0] ?? "") : child);
  } finally {
    sandbox.kill({ code: "engine/cancelled", detail: "" });
    await sandbox.exited;
  }
}

function childrenOf(pid: number | string): readonly string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
}

for (const launch of launches) {
  test(`under ${nameOf(launch)}, the layers are in place as the kernel sees them`, async (t) => {
    if (!existsSync("/proc/self/status")) return t.skip("there is no /proc here");
    await withSandbox(launch, (pid) => {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const has = (layer: string): boolean => launch.isolation.includes(layer);
      if (has("no-new-privileges")) assert.match(status, /NoNewPrivs:\t1/);
      if (has("no-capabilities")) assert.match(status, /CapPrm:\t0+\nCapEff:\t0+\nCapBnd:\t0+\nCapAmb:\t0+\n/);
      assert.match(status, has("seccomp") ? /Seccomp:\t2/ : /Seccomp:\t0/);
      const own = ["user", "pid", "net", "ipc", "uts", "cgroup", "mnt"].filter(
        (name) => readlinkSync(`/proc/${pid}/ns/${name}`) !== readlinkSync(`/proc/self/ns/${name}`),
      );
      assert.equal(own.length, has("bubblewrap") ? 7 : 0, own.join());
      if (!has("bubblewrap") || process.getuid?.() !== 0) return; // only root may look into another's root
      const root = readdirSync(join(`/proc/${pid}`, "root")).filter((one) => !["lib", "lib64", "usr"].includes(one));
      assert.deepEqual(root, ["code", "node"]);
    });
  });

  test(`under ${nameOf(launch)}, the one descriptor that leads out is the channel`, async (t) => {
    if (!existsSync("/proc/self/fd")) return t.skip("there is no /proc here");
    await withSandbox(launch, (pid) => {
      const folder = `/proc/${pid}/fd`;
      const held = readdirSync(folder).map((fd) => [fd, readlinkSync(join(folder, fd))] as const);
      const outward = held.filter(([, to]) => !/^anon_inode:|^pipe:|^\/dev\/null$/.test(to));
      assert.deepEqual(
        outward.map(([fd]) => fd),
        ["3"],
        held.join("\n"),
      );
      assert.match(outward[0]?.[1] ?? "", /^socket:/);
      // Its own pipes wake its own event loop: no other process holds an end of them.
      const mine = new Set(readdirSync("/proc/self/fd").map((fd) => linkOf(join("/proc/self/fd", fd))));
      for (const [, to] of held) if (to.startsWith("pipe:")) assert.ok(!mine.has(to), to);
    });
  });
}

test("killing what the worker has started ends what runs guests behind it", async (t) => {
  if (confined === undefined) return t.skip("bubblewrap is not here; on Debian: apt-get install bubblewrap");
  let inner = "";
  await withSandbox(confined, (pid) => {
    inner = pid;
    assert.ok(isAlive(pid), "a control");
  });
  for (let i = 0; i < 200 && isAlive(inner); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(!isAlive(inner));
});

function isAlive(pid: string): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // the descriptor of the listing itself
  }
}
