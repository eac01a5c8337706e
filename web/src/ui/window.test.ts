import { expect, test } from "vitest";
import { piecesOf, spanOf, stillOf } from "./window";

const row = (id: string, text = "") => ({ id, text });

test("a short list is drawn as a whole", () => {
  expect(spanOf(200, 800, 50, 7)).toEqual({ from: 0, to: 7 });
  expect(piecesOf({ from: 0, to: 3 }, 3)).toEqual([{ row: 0 }, { row: 1 }, { row: 2 }]);
});

test("of a long list only what is in view is drawn, with some rows around it", () => {
  const span = spanOf(-50_000, 800, 50, 10_000); // rows 1000 to 1016 are in view
  expect(span.from).toBeLessThanOrEqual(1000 - 12);
  expect(span.to).toBeGreaterThanOrEqual(1016 + 12);
  expect(span.to - span.from).toBeLessThan(80);
});

test("scrolling by a row draws nothing anew", () => {
  expect(spanOf(-50_050, 800, 50, 10_000)).toEqual(spanOf(-50_000 - 100, 800, 50, 10_000));
});

test("a list above or below the view draws no row that it does not have", () => {
  expect(spanOf(-900_000, 800, 50, 100)).toEqual({ from: 100, to: 100 });
  expect(spanOf(900_000, 800, 50, 100)).toEqual({ from: 0, to: 0 });
});

test("rows that are not drawn leave their space", () => {
  const pieces = piecesOf({ from: 4, to: 6 }, 10);
  expect(pieces).toEqual([{ space: 4 }, { row: 4 }, { row: 5 }, { space: 4 }]);
});

test("the row with the focus is drawn, wherever it is", () => {
  expect(piecesOf({ from: 4, to: 5 }, 10, 1)).toEqual([{ space: 1 }, { row: 1 }, { space: 2 }, { row: 4 }, { space: 5 }]);
  expect(piecesOf({ from: 4, to: 5 }, 10, 9)).toEqual([{ space: 4 }, { row: 4 }, { space: 4 }, { row: 9 }]);
  expect(piecesOf({ from: 0, to: 2 }, 2, 5)).toEqual([{ row: 0 }, { row: 1 }]);
});

test("a list that stands still has the rows that it had, each as it is now", () => {
  const still = stillOf([row("a"), row("b"), row("c")], [row("c", "new"), row("d"), row("a", "new")]);
  expect(still.rows).toEqual([row("a", "new"), row("b"), row("c", "new")]);
  expect([...still.gone]).toEqual(["b"]);
  expect(still.changes).toBe(4); // b left, d came, a and c changed places
});

test("a list of which only texts changed has no changes of place", () => {
  expect(stillOf([row("a"), row("b")], [row("a", "x"), row("b", "y")]).changes).toBe(0);
});

test("when one of the first rows leaves, the others have not changed places", () => {
  expect(stillOf([row("a"), row("b"), row("c")], [row("b"), row("c")]).changes).toBe(1);
});
