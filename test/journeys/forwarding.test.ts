import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { toolEnvironment } from "../../tools/repository.ts";
import { LAUNCHER, Workspace } from "./workspace.ts";

const RSYSLOG = "/usr/sbin/rsyslogd";
const WAIT_MS = 20_000;

type Line = {
  readonly index?: number;
  readonly leaf?: string;
  readonly envelope?: string;
  readonly next?: number;
  readonly checkpoint?: string;
};

function makeHistory(context: TestContext): Workspace {
  const workspace = Workspace.make(context);
  for (const name of ["one", "two"]) workspace.addTenant(name);
  workspace.signAndTrust("one");
  workspace.expect(3, "run", "--all");
  return workspace;
}

function linesOf(text: string): readonly Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

function indexesOf(lines: readonly Line[]): readonly number[] {
  return lines.flatMap(({ index }) => index ?? []);
}

test("an export holds every entry with its leaf, goes on where it stopped, and never writes over a file", (context) => {
  const workspace = makeHistory(context);
  const whole = linesOf(workspace.expect(0, "ledger", "export").stdout);
  const entries = whole.filter(({ index }) => index !== undefined);
  const end = whole.at(-1);
  assert.deepEqual(indexesOf(entries), [...entries.keys()]);
  assert.equal(end?.next, entries.length);
  assert.match(end?.checkpoint ?? "", new RegExp(`^test\\.example/log\n${entries.length}\n`));
  for (const { leaf, envelope } of entries) {
    const bytes = Buffer.concat([Buffer.of(0), Buffer.from(envelope ?? "", "base64")]);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), leaf);
  }
  const first = linesOf(workspace.expect(0, "ledger", "export", "--to", "4").stdout);
  const rest = linesOf(workspace.expect(0, "ledger", "export", "--from", String(first.at(-1)?.next)).stdout);
  assert.deepEqual(indexesOf([...first, ...rest]), indexesOf(entries));
  workspace.expect(0, "ledger", "export", "--out", "log.jsonl");
  assert.equal(linesOf(readFileSync(join(workspace.root, "log.jsonl"), "utf8")).length, whole.length);
  assert.match(workspace.expect(2, "ledger", "export", "--out", "log.jsonl").stderr, /never writes over/);
  assert.match(workspace.expect(2, "ledger", "export", "--from", "9999").stderr, /past the/);
  assert.match(workspace.expect(2, "ledger", "export", "--form", "xml").stderr, /one of jsonl, ocsf/);
});

test("an OCSF export says in a SIEM's words what was allowed, denied, launched and ended", (context) => {
  const workspace = makeHistory(context);
  type Ocsf = {
    readonly class_uid: number;
    readonly type_uid: number;
    readonly activity_id: number;
    readonly action_id?: number;
    readonly disposition_id?: number;
    readonly exit_code?: number;
    readonly time: number;
    readonly metadata: { readonly event_code: string; readonly uid: string; readonly sequence: number };
  };
  const lines = workspace.expect(0, "ledger", "export", "--form", "ocsf").stdout.trim().split("\n").slice(0, -1);
  const events = lines.map((line) => JSON.parse(line) as Ocsf);
  for (const event of events) {
    assert.equal(event.type_uid, event.class_uid * 100 + event.activity_id);
    assert.match(event.metadata.uid, /^[0-9a-f]{64}(\/(admission|verification|decision|intent))?$/);
    assert.ok(event.time > Date.parse("2025-01-01"));
  }
  assert.equal(new Set(events.map(({ metadata }) => metadata.uid)).size, events.length, "each is told from the others");
  const sequence = events.map(({ metadata }) => metadata.sequence);
  const last = sequence.at(-1) ?? -1;
  assert.deepEqual(
    [...new Set(sequence)],
    Array.from({ length: last + 1 }, (_, n) => n),
    "no entry is left out",
  );
  const of = (code: string) => events.filter(({ metadata }) => metadata.event_code === code);
  assert.deepEqual(
    of("decision").map(({ class_uid, action_id, disposition_id }) => [class_uid, action_id, disposition_id]),
    [
      [1007, 1, 1],
      [1007, 2, 2],
    ],
  );
  assert.deepEqual([of("outcome")[0]?.type_uid, of("outcome")[0]?.exit_code], [100_702, 0]);
  assert.deepEqual(
    [of("workspace")[0]?.class_uid, of("trust")[0]?.class_uid, of("verification")[0]?.class_uid],
    [1008, 3004, 2003],
  );
});

/** A certificate for this machine, made for this test. */
function makeCertificate(folder: string): { readonly key: string; readonly cert: string } {
  mkdirSync(folder, { recursive: true });
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const made = spawnSync("openssl", [...args, ...subject, "-keyout", key, "-out", cert], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  return { key, cert };
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until(what: string, is: () => boolean): Promise<void> {
  for (const endMs = Date.now() + WAIT_MS; !is();) {
    if (Date.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await wait(50);
  }
}

test("a syslog server gets every entry over TLS, also those of the time it was away", async (context) => {
  if (!existsSync(RSYSLOG) || !existsSync("/usr/bin/openssl")) {
    context.skip("rsyslog, its TLS driver or openssl is missing: apt-get install rsyslog rsyslog-gnutls openssl");
    return;
  }
  const workspace = makeHistory(context);
  const folder = join(workspace.root, "siem");
  const { key, cert } = makeCertificate(folder);
  const port = await freePort();
  const received = join(folder, "received.log");
  writeFileSync(
    join(folder, "rsyslog.conf"),
    `global(workDirectory="${folder}" maxMessageSize="256k" defaultNetstreamDriverCAFile="${cert}"
  defaultNetstreamDriverCertFile="${cert}" defaultNetstreamDriverKeyFile="${key}" parser.escapeControlCharactersOnReceive="off")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.Authmode="anon")
input(type="imtcp" address="127.0.0.1" port="${port}" maxFrameSize="300000")
template(name="line" type="string" string="%msg%\\n")
action(type="omfile" file="${received}" template="line")
`,
  );
  const destination = `syslog+tls://localhost:${port}`;
  const args = ["ledger", "forward", destination, "--ca", "siem/cert.pem"];
  assert.match(workspace.expect(1, ...args).stderr, /forward\/unreachable/);

  let server: ChildProcess | undefined;
  const start = async () => {
    server = spawn(RSYSLOG, ["-n", "-f", join(folder, "rsyslog.conf"), "-i", join(folder, "pid")], { stdio: "ignore" });
    await until("rsyslog", () => spawnSync("openssl", ["s_client", "-connect", `localhost:${port}`], { input: "" }).status === 0);
  };
  const stop = async () => {
    const gone = new Promise((resolve) => server?.once("exit", resolve));
    server?.kill("SIGTERM");
    await gone;
  };
  context.after(() => server?.kill("SIGKILL"));
  await start();
  const follower = spawn(process.execPath, [LAUNCHER, ...args, "--follow"], {
    ...toolEnvironment(),
    cwd: workspace.root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  context.after(() => follower.kill("SIGKILL"));
  const receivedIndexes = () => {
    const text = existsSync(received) ? readFileSync(received, "utf8") : "";
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    return new Set(indexesOf(linesOf(whole.replaceAll("\ufeff", ""))));
  };
  const size = () => linesOf(workspace.expect(0, "ledger", "export").stdout).length - 1;
  const before = size();
  await until("the first entries", () => receivedIndexes().size === before);
  await stop();
  workspace.expect(3, "run", "--all");
  const after = size();
  assert.ok(after > before);
  await wait(1500); // it notices that nobody is there
  await start();
  await until("the entries of the time away", () => receivedIndexes().size === after);
  const ended = new Promise((resolve) => follower.once("exit", resolve));
  follower.kill("SIGTERM");
  assert.equal(await ended, 0);
  await stop();
  assert.match(workspace.expect(0, ...args).stderr, /^0 entries confirmed/);
});

test("an HTTPS endpoint confirms with its status, and gets again what it did not confirm", async (context) => {
  if (!existsSync("/usr/bin/openssl")) {
    context.skip("openssl is missing: apt-get install openssl");
    return;
  }
  const workspace = makeHistory(context);
  const files = makeCertificate(join(workspace.root, "siem"));
  const bodies: { readonly key: string; readonly text: string; readonly status: number }[] = [];
  const statuses = [503, 302, 202];
  const server = createServer({ key: readFileSync(files.key), cert: readFileSync(files.cert) }, (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const status = statuses.shift() ?? 200;
      bodies.push({ key: String(request.headers["idempotency-key"]), text: Buffer.concat(parts).toString("utf8"), status });
      response.writeHead(status, { location: "https://localhost:1/elsewhere" }).end();
    });
  }).listen(0, "127.0.0.1");
  context.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}/in`;
  const forward = async (...more: readonly string[]) => {
    const child = spawn(process.execPath, [LAUNCHER, "ledger", "forward", url, ...more], {
      ...toolEnvironment(),
      cwd: workspace.root,
    });
    let said = "";
    child.stderr.on("data", (part: Buffer) => (said += part.toString()));
    return new Promise<{ exit: unknown; said: string }>((resolve) => child.once("exit", (exit) => resolve({ exit, said })));
  };
  const distrusted = await forward();
  assert.deepEqual([distrusted.exit, bodies.length], [1, 0], "a certificate that nobody vouches for gets nothing");
  const trusted = await forward("--ca", "siem/cert.pem");
  assert.equal(trusted.exit, 0, trusted.said);
  assert.deepEqual(
    bodies.map(({ status }) => status),
    [503, 302, 202],
  );
  assert.equal(new Set(bodies.map(({ key, text }) => key + text)).size, 1, "the same batch under the same key");
  const { said } = await forward("--ca", "siem/cert.pem");
  assert.match(said, /^0 entries confirmed/);
  assert.equal(bodies.length, 3);
});

test("a file destination is resumed, and one that is ahead of the log is refused", (context) => {
  const workspace = makeHistory(context);
  workspace.expect(0, "ledger", "forward", "file:siem.jsonl");
  const path = join(workspace.root, "siem.jsonl");
  const before = indexesOf(linesOf(readFileSync(path, "utf8")));
  workspace.expect(3, "run", "--all");
  workspace.expect(0, "ledger", "forward", "file:siem.jsonl");
  const after = indexesOf(linesOf(readFileSync(path, "utf8")));
  assert.ok(after.length > before.length);
  assert.deepEqual(after, [...after.keys()]);
  assert.match(workspace.expect(5, "ledger", "forward", "file:siem.jsonl", "--from", "99999").stderr, /forward\/log-shorter/);
  assert.match(workspace.expect(2, "ledger", "forward", "http://siem.example/").stderr, /in the open/);
});
