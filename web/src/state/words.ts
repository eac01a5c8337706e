// What readers type into one field and the API takes as a list or a mapping.

/** Text that cannot be read; the message is for the reader. */
export class Unreadable extends Error {}

/** Splits a command into its words as a shell does, but without variables: quotes and \ keep spaces. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    if (quote) {
      if (letter === quote) quote = "";
      else if (letter === "\\" && quote === '"' && /["\\]/.test(text.charAt(at + 1))) word += text.charAt(++at);
      else word += letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= "";
    } else if (letter === "\\" && at + 1 < text.length) {
      word = (word ?? "") + text.charAt(++at);
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + letter;
    }
  }
  if (quote) throw new Unreadable(`a quote ${quote} is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}

/** Reads names with values, one a line, such as "example.com/nic: 1" or "MODE=fast". */
export function readPairs(text: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const [, name = "", value = ""] = /^\s*([^:=\s]+)\s*[:=]\s*(.*?)\s*$/.exec(line) ?? [];
    if (!name) throw new Unreadable(`"${line.trim()}" is not a name and a value: write name=value`);
    if (Object.hasOwn(pairs, name)) throw new Unreadable(`${name} is there twice`);
    pairs[name] = value;
  }
  return pairs;
}
