import { describe, expect, it } from "vitest";
import { readPairs, splitWords, Unreadable } from "./words";

describe("a command", () => {
  it.each([
    ["sleep 1h", ["sleep", "1h"]],
    ["  python  train.py\n --rate 0.1 ", ["python", "train.py", "--rate", "0.1"]],
    ["sh -c 'echo $HOME; exit 1'", ["sh", "-c", "echo $HOME; exit 1"]],
    ['echo "a \\"b\\" c"', ["echo", 'a "b" c']],
    ["echo a\\ b", ["echo", "a b"]],
    ["echo ''", ["echo", ""]],
    ["--name='a b'c", ["--name=a bc"]],
    ["C:\\", ["C:\\"]],
    ["", []],
  ])("%s", (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });
  it("with a quote that is not closed is no command", () => {
    expect(() => splitWords("echo 'a")).toThrow(Unreadable);
  });
});

describe("names with values", () => {
  it("are one a line, with = or :", () => {
    expect(readPairs("example.com/nic: 1\n\nMODE=a=b: c\nEMPTY=\n")).toEqual({ "example.com/nic": "1", MODE: "a=b: c", EMPTY: "" });
  });
  it("that are there twice are reported, because one of them would be lost", () => {
    expect(() => readPairs("a=1\na=2")).toThrow("a is there twice");
  });
  it("without a value are reported with their line", () => {
    expect(() => readPairs("a=1\nmemory 2Gi")).toThrow('"memory 2Gi"');
  });
});
