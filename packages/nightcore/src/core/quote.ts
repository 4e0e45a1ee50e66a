const QUOTED_CHARACTERS_MAX = 80; // LIMIT: one terminal line; a longer name is shown by its beginning

/**
 * Text from outside made safe for a message: control characters, separators and bidirectional overrides escaped,
 * cut to length, in backticks. The one way by which foreign text enters a log line or a terminal.
 */
export function quote(text: string, charactersMax: number = QUOTED_CHARACTERS_MAX): string {
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
  return `\`${escapeControls(cut).replaceAll("`", "\\`")}\``;
}

/** Replaces what could move a cursor, forge a line or reorder text by a visible escape. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}
