/** Does `work` for each item, at most `atOnce` at a time, and gives the outcomes in their order. Failures are outcomes too. */
export async function inParallel<Item, Outcome>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Outcome>,
): Promise<PromiseSettledResult<Outcome>[]> {
  const outcomes: PromiseSettledResult<Outcome>[] = [];
  const waiting = [...items.entries()];
  const workOff = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next;
      const [outcome] = await Promise.allSettled([work(item)]);
      outcomes[index] = outcome;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, workOff));
  return outcomes;
}
