import { quote } from "#core";
import { parseBlockId, type Row, type Rows } from "#state";
import { CommandStop, EXIT } from "./invocation.ts";

/** The blocks that an id names: one (`17.0`), or all of an entry (`17`). At least one, or the command ends. */
export function findBlocksNamed(rows: Rows, text: string): readonly Row[] {
  const id = parseBlockId(text);
  const found =
    id === undefined
      ? []
      : rows
          .scan("blocks", { where: { log_index: id.entry }, orderBy: "id" })
          .filter((row) => id.place === undefined || row["id"] === text);
  if (found.length > 0) return found;
  throw new CommandStop({
    code: "state/block-unknown",
    message: `there is no block ${quote(text)}`,
    hint: "`nightcore quarantine list --all` shows all of them",
    exit: EXIT.usage,
  });
}
