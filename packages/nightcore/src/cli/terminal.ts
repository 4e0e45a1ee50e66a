import { escapeControls } from "#core";

/** What can be painted on a terminal that has colours. */
export type Colour = "green" | "red" | "yellow" | "blue" | "dim" | "bold";

const CODES: Readonly<Record<Colour, readonly [on: number, off: number]>> = {
  green: [32, 39],
  red: [31, 39],
  yellow: [33, 39],
  blue: [34, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/**
 * Speaks to a person on stderr and to programs on stdout. Colours and progress only on a terminal; everything that came
 * from outside goes through {@link escapeControls} before it gets here.
 */
export class Terminal {
  readonly #coloured = process.stderr.isTTY && process.env["NO_COLOR"] === undefined && process.env["TERM"] !== "dumb";
  #progress = false;

  say(line = ""): void {
    this.#clearProgress();
    process.stderr.write(`${line}\n`);
  }

  /** A whole document for a program, on stdout. */
  print(text: string): void {
    this.#clearProgress();
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** Output of a guest: exactly its bytes into a file or pipe, harmless text onto a terminal. */
  showGuestOutput(bytes: Uint8Array, stream: "stdout" | "stderr"): void {
    if (bytes.length === 0) return;
    this.#clearProgress();
    const target = process[stream];
    if (!target.isTTY) {
      target.write(bytes);
      return;
    }
    const lines = Buffer.from(bytes).toString("utf8").split("\n");
    const text = lines.map((line) => escapeControls(line)).join("\n");
    target.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  paint(colour: Colour, text: string): string {
    if (!this.#coloured) return text;
    const [on, off] = CODES[colour];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  }

  /** Shows how far long work has come, on one line that the next words replace. Nothing where stderr is not a terminal. */
  progress(done: number, total: number, what: string): void {
    if (!process.stderr.isTTY) return;
    process.stderr.write(`\r\u001b[K${done}/${total} ${what}`);
    this.#progress = true;
  }

  #clearProgress(): void {
    if (!this.#progress) return;
    process.stderr.write("\r\u001b[K");
    this.#progress = false;
  }
}
