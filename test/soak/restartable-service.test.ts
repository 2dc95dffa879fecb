import { describe, expect, it } from 'vitest';

import type { Service } from '../acceptance/service.ts';
import { RestartableService } from './restartable-service.ts';

/** Services that do nothing but have an address, of which only the newest can be reached. */
function numberedServices(): { start: () => Promise<Service>; reach: (service: Service) => Promise<string> } {
  let newest = 0;
  return {
    start: async () => {
      newest += 1;
      return { address: String(newest), end: async () => 0, expectNoErrors: () => undefined } as unknown as Service;
    },
    reach: async ({ address }) => {
      if (address !== String(newest)) throw new Error(`${address} is gone`);
      return address;
    },
  };
}

describe('what is done steadily', () => {
  it('is begun anew when its first part waited out an incident and the rest met the service of before', async () => {
    const { start, reach } = numberedServices();
    const service = await RestartableService.start(start);
    const begun = Promise.withResolvers<void>();
    const tried: string[] = [];
    const incident = service.befall('serviceKilled', () => {
      const work = service.steadily(async (each) => {
        tried.push(each.address);
        await service.settled();
        return reach(each);
      });
      begun.resolve(work.then((address) => expect(address).toBe('2')));
    });
    await Promise.all([incident, begun.promise]);
    expect(tried).toEqual(['1', '2']);
  });

  it('fails when nothing happens to the service', async () => {
    const service = await RestartableService.start(numberedServices().start);
    await expect(service.steadily(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });
});
