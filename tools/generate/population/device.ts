import type { Device } from '../../../server/features/identity/index.ts';
import { SeededRandom } from '../../../server/lib/seeded-random.ts';
import type { Share } from './network.ts';

/** One of the shares that fit, as often as it weighs. One must: a kind of device that is never whole is a mistake in its table. */
export function pick<Value>(
  random: SeededRandom,
  shares: readonly Share<Value>[],
  fits: (value: Value) => boolean = () => true,
): Value {
  const chosen = random.pick(
    shares.filter(({ value }) => fits(value)),
    ({ weight }) => weight,
  );
  if (chosen === undefined) throw new Error(`Nothing fits among ${JSON.stringify(shares).slice(0, 500)}`);
  return chosen.value;
}

/**
 * Draws until there are `count` devices, leaving out those `draw` does not want, and counts how often each came: the rare ones are as
 * many together as they are in the world.
 */
export function collect(
  name: string,
  draw: (random: SeededRandom) => Device | undefined,
  count: number,
): Share<Device>[] {
  const random = new SeededRandom(20_260_806, name);
  const counts = new Map<string, { value: Device; weight: number }>();
  for (let drawn = 0; drawn < count;) {
    const device = draw(random);
    if (device === undefined) continue;
    drawn += 1;
    const key = JSON.stringify(device);
    const counted = counts.get(key) ?? { value: device, weight: 0 };
    counted.weight += 1;
    counts.set(key, counted);
  }
  return [...counts.values()].sort((one, other) => other.weight - one.weight);
}
