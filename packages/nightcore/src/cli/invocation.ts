import type { Terminal } from "./terminal.ts";

/** One call of a command: its words and options as checked against the catalogue, and the terminal to speak through. */
export type Invocation = {
  readonly command: readonly string[];
  readonly positionals: readonly string[];
  readonly root: string;
  readonly json: boolean;
  readonly terminal: Terminal;
  flag(name: string): boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
};

/** The exit codes, documented in docs/formats/exit-codes.md. When several apply, the greatest wins. */
export const EXIT = {
  ok: 0,
  runFailed: 1,
  usage: 2,
  denied: 3,
  verificationFailed: 4,
  environment: 5,
  notAcknowledged: 6,
} as const;

/** Ends a command with a sentence, a hint, a stable code and an exit code. The process edge prints it. */
export class CommandStop extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exit: number;

  constructor({
    code,
    message,
    hint,
    exit,
  }: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string | undefined;
    readonly exit: number;
  }) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.exit = exit;
  }
}

/** Ends a command because it was called wrongly: exit code 2. */
export function usageStop(message: string, hint?: string): CommandStop {
  return new CommandStop({ code: "cli/usage", message, hint, exit: EXIT.usage });
}
