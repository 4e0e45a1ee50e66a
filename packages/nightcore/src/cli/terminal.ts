import { GuestOutput } from "./guest-output.ts";

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
 * from outside goes through `escapeControls` before it gets here.
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

  /** Where one guest's output is shown, at once or as it comes. */
  openGuestOutput(): GuestOutput {
    this.#clearProgress();
    return new GuestOutput(process);
  }

  /** Whether a person sees what a guest prints. */
  get watched(): boolean {
    return process.stdout.isTTY || process.stderr.isTTY;
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
