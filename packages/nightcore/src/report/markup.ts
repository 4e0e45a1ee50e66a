import { escapeControls } from "#core";

const SEAL = Symbol("markup");

/** HTML that this room has written itself. Only {@link html} and {@link trustMarkup} make it, so no foreign text is in it unescaped. */
export class Markup {
  readonly text: string;
  constructor(seal: typeof SEAL, text: string) {
    if (seal !== SEAL) throw new Error("bug: markup is made by the html tag");
    this.text = text;
  }
}

/** What may stand in a hole of the template. `undefined` and `false` leave it empty. */
export type Hole = string | number | Markup | readonly Markup[] | undefined | false;

/**
 * Escapes text for an HTML text node or a quoted attribute value: the five characters of HTML, and whatever could hide or
 * reorder text (controls, NUL, bidirectional marks) as a visible `\u{…}`. The one way by which foreign text enters a page.
 */
export function escapeText(text: string): string {
  return escapeControls(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** Template tag: every hole is escaped, unless it is markup already. Attribute values in the template are always quoted. */
export function html(parts: TemplateStringsArray, ...holes: readonly Hole[]): Markup {
  const texts = parts.map((part, at) => part + (at < holes.length ? fill(holes[at]) : ""));
  return new Markup(SEAL, texts.join(""));
}

/** Markup that is a constant of this room: the style sheet and the script, whose hashes the policy of the page names. */
export function trustMarkup(constant: string): Markup {
  return new Markup(SEAL, constant);
}

function fill(hole: Hole): string {
  if (hole === undefined || hole === false) return "";
  if (hole instanceof Markup) return hole.text;
  if (typeof hole === "string" || typeof hole === "number") return escapeText(String(hole));
  return hole.map((markup) => markup.text).join("");
}
