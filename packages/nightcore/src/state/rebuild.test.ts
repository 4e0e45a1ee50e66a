import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { encodeStatement, parseStatement } from "#attest";
import { type Event, EVENT_TYPES, evolve, MemoryRows, readEvent, type TableName, TABLES } from "#state";
import { Projection } from "#store/sqlite";
import { anyEvent, anyEventOf, EVENT_KINDS } from "./any-event.test.ts";

// The incremental projection folds events as the worker has them in its hands; a rebuild reads them from the log. Both are
// here what they are there: the one an object, the other what its statement's bytes say.

/**
 * What happens after an entry was applied. `beside`: a reader folds as well, or commits what it has folded. `kill`: the process is gone, and what it had not committed with it. `power`: so is
 * the machine, and of what SQLite had written last only a part of the bytes is there.
 */
type Moment =
  | { readonly kind: "go on" | "commit" | "restart" | "kill" | "beside" }
  | { readonly kind: "power"; readonly kept: number };

const moment: fc.Arbitrary<Moment> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "go on" } as const) },
  { weight: 3, arbitrary: fc.constantFrom("commit", "restart", "kill", "beside").map((kind) => ({ kind }) as const) },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map((kept) => ({ kind: "power", kept }) as const) },
);

const history = fc.array(fc.record({ event: anyEvent, after: moment }), { maxLength: 40, size: "max" });

/** The event as the log gives it back. */
function logged({ kind, ...predicate }: Event): Event {
  const subject = [{ name: "x", digest: { sha256: "0".repeat(64) } }];
  const statement = parseStatement(encodeStatement({ subject, predicateType: EVENT_TYPES[kind], predicate }));
  assert.ok(statement.ok, JSON.stringify(statement));
  const event = readEvent(statement.value.predicateType, statement.value.predicate);
  assert.ok(event !== undefined, kind);
  return event;
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-rebuild-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function anyEvents(): readonly Event[] {
  return EVENT_KINDS.flatMap((kind) => fc.sample(anyEventOf(kind), { numRuns: 20, seed: 7 }));
}

/** A projection that is stopped and started over and over, as commands do it: each start folds what the rows lack. */
class Incremental {
  readonly #folder: string;
  #file: string;
  #projection: Projection;
  #files = 1;
  readonly #log: Event[] = [];
  #beside: { readonly reader: Projection; readonly size: number } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, "state-0.db");
    this.#projection = Projection.open(this.#file).projection;
  }

  apply(event: Event): void {
    evolve(this.#projection, event, { index: this.#log.length });
    this.#log.push(logged(event));
  }

  meet(moment: Moment): void {
    if (moment.kind === "commit" || moment.kind === "restart") this.#commit();
    if (moment.kind === "restart" || moment.kind === "kill") this.#reopen();
    if (moment.kind === "beside") this.#lookBeside();
    if (moment.kind === "power") this.#cutPower(moment.kept);
  }

  digest(): string {
    this.#commit();
    return this.#projection.digest();
  }

  close(): void {
    this.#endBeside();
    this.#projection.close();
  }

  #reopen(): void {
    this.#projection.close();
    this.#projection = Projection.open(this.#file).projection;
    this.#catchUp(this.#projection);
  }

  /** Whoever was overtaken has written nothing, and goes on from what is there. */
  #commit(): void {
    if (!this.#projection.commit(this.#log.length)) this.#catchUp(this.#projection);
    assert.equal(this.#projection.applied, this.#log.length);
  }

  /** A reader folds what is there now and takes its time: it commits when the next one comes, before us or long after us. */
  #lookBeside(): void {
    if (this.#beside === undefined) {
      const reader = Projection.open(this.#file).projection;
      for (let n = reader.applied; n < this.#log.length; n++) evolve(reader, this.#entry(n), { index: n });
      this.#beside = { reader, size: this.#log.length };
    } else {
      this.#beside.reader.commit(this.#beside.size);
      this.#endBeside();
    }
  }

  #endBeside(): void {
    this.#beside?.reader.close();
    this.#beside = undefined;
  }

  /** Commits, and goes on from the files as they stand while the database is open, the last of them cut. */
  #cutPower(kept: number): void {
    this.#commit();
    this.#endBeside();
    const next = join(this.#folder, `state-${this.#files++}.db`);
    for (const suffix of ["", "-wal"]) if (existsSync(this.#file + suffix)) copyFileSync(this.#file + suffix, next + suffix);
    if (existsSync(`${next}-wal`)) truncateSync(`${next}-wal`, Math.floor(statSync(`${next}-wal`).size * kept));
    this.#projection.close();
    this.#file = next;
    this.#projection = Projection.open(next).projection;
    this.#catchUp(this.#projection);
  }

  #entry(index: number): Event {
    const event = this.#log[index];
    assert.ok(event !== undefined);
    return event;
  }

  #catchUp(projection: Projection): void {
    for (let n = projection.applied; n < this.#log.length; n++) evolve(projection, this.#entry(n), { index: n });
    projection.commit(this.#log.length);
  }
}

/** The rows of a log that is folded in one go, into a new database. */
function rebuild(folder: string, events: readonly Event[]): string {
  const file = join(folder, "rebuilt.db");
  Projection.remove(file);
  const { projection } = Projection.open(file);
  for (const [index, event] of events.entries()) evolve(projection, logged(event), { index });
  projection.commit(events.length);
  const digest = projection.digest();
  projection.close();
  return digest;
}

test("a rebuild gives the rows of the incremental projection, wherever that was stopped, killed, overtaken or cut", (t) => {
  const root = temporaryFolder(t);
  const seen = new Set<string>();
  fc.assert(
    fc.property(history, (steps) => {
      const folder = mkdtempSync(join(root, "run-"));
      const incremental = new Incremental(folder);
      for (const { event, after } of steps) {
        seen.add(event.kind);
        incremental.apply(event);
        incremental.meet(after);
      }
      const digest = incremental.digest();
      incremental.close();
      assert.equal(
        digest,
        rebuild(
          folder,
          steps.map(({ event }) => event),
        ),
      );
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 100 },
  );
  assert.deepEqual([...seen].toSorted(), [...EVENT_KINDS].toSorted(), "every kind came along");
});

test("every kind of event is among those that are folded, and together they fill every table", () => {
  assert.deepEqual([...EVENT_KINDS].toSorted(), Object.keys(EVENT_TYPES).toSorted());
  const rows = new MemoryRows();
  for (const [index, event] of anyEvents().entries()) evolve(rows, event, { index });
  for (const table of Object.keys(TABLES) as TableName[]) assert.ok(rows.scan(table, {}).length > 0, `${table} is empty`);
});

test("one entry that is left out, one that is folded twice, or one value in one row: the digest is another", (t) => {
  const folder = temporaryFolder(t);
  const events = anyEvents();
  const digest = rebuild(folder, events);
  assert.equal(rebuild(folder, events), digest);
  const decided = events.findIndex(({ kind }) => kind === "decision");
  assert.notEqual(rebuild(folder, events.toSpliced(decided, 1)), digest);
  assert.notEqual(rebuild(folder, [...events, ...events.slice(decided, decided + 1)]), digest);
  for (const table of Object.keys(TABLES) as TableName[]) {
    assert.equal(rebuild(folder, events), digest);
    const { projection } = Projection.open(join(folder, "rebuilt.db"));
    const [row] = projection.scan(table, {});
    const column = Object.keys(TABLES[table].columns).find((name) => name !== TABLES[table].key) ?? "";
    projection.put(table, { ...row, [column]: "changed" });
    projection.commit(events.length);
    assert.notEqual(projection.digest(), digest, table);
    projection.close();
  }
});
